"""Tests of the check of the monitoring files, each by a fault put into a copy: python3 -m unittest discover -s deploy/monitoring -p 'test_*.py'"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

SPEC = importlib.util.spec_from_file_location("monitoring_check", Path(__file__).with_name("check.py"))
check = importlib.util.module_from_spec(SPEC)
sys.modules["monitoring_check"] = check
SPEC.loader.exec_module(check)


class Copy(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        for file in check.HERE.iterdir():
            if file.is_file():
                shutil.copy(file, self.folder)

    def replace(self, name: str, old: str, new: str, times: int = 1) -> None:
        text = (self.folder / name).read_text("utf-8")
        self.assertIn(old, text)
        (self.folder / name).write_text(text.replace(old, new, times), "utf-8")

    def panels(self, change: Callable[[dict[str, dict]], None]) -> None:
        """Changes the dashboard, whose panels are given by their title."""
        file = self.folder / "abstractor-dashboard.json"
        dashboard = json.loads(file.read_text("utf-8"))
        change({panel["title"]: panel for panel in dashboard["panels"]})
        file.write_text(json.dumps(dashboard), "utf-8")

    def finds(self, problem: str) -> None:
        self.assertEqual(list(check.check_own(self.folder)), [problem])


class Whole(Copy):
    def test_nothing_is_wrong(self):
        self.assertEqual(list(check.check_own(self.folder)), [])


class Names(Copy):
    def test_metric_misspelt_on_the_dashboard(self):
        self.replace("abstractor-dashboard.json", "process_open_fds", "process_open_fd")
        self.finds("dashboard: File descriptors: the metric process_open_fd is not in metrics.tsv")

    def test_metric_misspelt_in_a_rule(self):
        self.replace("rules.yml", "max(abstractor_oldest_delivery_seconds", "max(abstractor_oldest_delivery_second")
        self.finds("rules.yml: AbstractorDeliveriesStuck: the metric abstractor_oldest_delivery_second is not in metrics.tsv")

    def test_recorded_metric_misspelt(self):
        self.replace("rules.yml", "abstractor:slo_missed:ratio_6h > (1", "abstractor:slo_missed:ratio_6hours > (1")
        self.finds("rules.yml: AbstractorErrorBudgetBurnsSlowly: the metric abstractor:slo_missed:ratio_6hours is not in metrics.tsv")

    def test_histogram_without_its_part(self):
        self.panels(lambda panels: panels["Notes stored"]["targets"][0].update(expr="sum(rate(abstractor_notes_stored_total[5m])) + sum(rate(abstractor_extraction_seconds[5m]))"))
        self.finds("dashboard: Notes stored: the metric abstractor_extraction_seconds is not in metrics.tsv")

    def test_label_that_the_metric_does_not_have(self):
        self.replace("rules.yml", 'up{job="abstractor"} == 0', 'up{job="abstractor",route="x"} == 0')
        self.finds("rules.yml: AbstractorDown: up has no label route")

    def test_label_to_group_by_that_the_metric_does_not_have(self):
        self.replace("rules.yml", "sum by (result) (", "sum by (ended) (")
        self.assertIn("rules.yml: AbstractorMessagesRefused: no metric that is grouped has the label ended", list(check.check_own(self.folder)))

    def test_value_that_a_label_never_has(self):
        self.replace("rules.yml", 'reason="engine_queue"', 'reason="engine"')
        self.finds("rules.yml: AbstractorEngineRefuses: the label reason of abstractor_refused_total is never engine")

    def test_value_that_a_label_never_has_among_others(self):
        self.replace("rules.yml", "client_rate|client_requests", "client_rate|client_request")
        self.finds("rules.yml: AbstractorClientsRefused: the label reason of abstractor_refused_total is never client_request")

    def test_label_told_by_an_alert(self):
        self.replace("rules.yml", "The service refuses work: {{ $labels.reason }}", "The service refuses work: {{ $labels.limit }}")
        self.finds("rules.yml: AbstractorServerRefuses tells the label limit, which its metrics do not have")

    def test_label_told_by_a_legend(self):
        self.panels(lambda panels: panels["Refused"]["targets"][0].update(legendFormat="{{limit}}"))
        self.finds("dashboard: Refused: the legend tells the label limit, which the metrics do not have")

    def test_figure_of_the_database_that_is_summed(self):
        self.panels(lambda panels: panels["Notes"]["targets"][0].update(expr="sum(abstractor_notes)"))
        self.finds("dashboard: Notes: abstractor_notes is the same from every process and must be aggregated with max")

    def test_metric_on_no_panel(self):
        self.replace("metrics.tsv", "abstractor_decisions_total\t", "abstractor_new_total\tcounter\t\t\tprocess\tsomething new\nabstractor_decisions_total\t")
        self.finds("dashboard: abstractor_new_total is on no panel")

    def test_metric_twice(self):
        self.replace("metrics.tsv", "process_threads\tgauge", "process_max_fds\tgauge\t\t\tprocess\tagain\nprocess_threads\tgauge")
        self.finds("metrics.tsv: process_max_fds stands there twice")


class Alerts(Copy):
    def test_no_test_shows_it_firing(self):
        self.replace("rules_test.yml", "alertname: AbstractorDeliveriesStuck\n        eval_time: 1h\n        exp_alerts:", "alertname: AbstractorDeliveriesStuck\n        eval_time: 1h\n        exp_alerts: []\n        unused:")
        self.finds("rules_test.yml: no test shows AbstractorDeliveriesStuck firing")

    def test_no_test_shows_it_silent(self):
        self.replace("rules_test.yml", "      - { alertname: AbstractorSendersTurnedAway, eval_time: 1h, exp_alerts: [] }\n", "")
        self.finds("rules_test.yml: no test shows AbstractorSendersTurnedAway silent")

    def test_test_of_no_alert(self):
        self.replace("rules_test.yml", "{ alertname: AbstractorDown, eval_time: 10m", "{ alertname: AbstractorDowns, eval_time: 10m")
        self.assertIn("rules_test.yml: there is no alert AbstractorDowns", list(check.check_own(self.folder)))

    def test_no_section_in_the_runbook(self):
        self.replace("README.md", "### AbstractorRestarts\n", "")
        self.finds("README.md: there is no section AbstractorRestarts")

    def test_section_of_no_alert(self):
        self.replace("README.md", "### AbstractorRestarts\n", "### AbstractorRestarts\n\n### AbstractorGone\n")
        self.finds("README.md: the section AbstractorGone is about no alert")

    def test_another_runbook(self):
        self.replace("rules.yml", "README.md#abstractordown", "README.md#abstractor-down")
        self.finds("rules.yml: the runbook of AbstractorDown is not deploy/monitoring/README.md#abstractordown")

    def test_no_severity(self):
        self.replace("rules.yml", "for: 2m\n        labels: { severity: page }", "for: 2m\n        labels: { severity: red }")
        self.finds("rules.yml: AbstractorErrorBudgetBurnsFast has no severity, page or ticket")

    def test_no_description(self):
        self.replace("rules.yml", "description: 'Prometheus has no target", "details: 'Prometheus has no target")
        self.finds("rules.yml: AbstractorNotScraped has no description")


class Objectives(Copy):
    def test_target_told_otherwise(self):
        self.replace("rules.yml", "vector(0.999)", "vector(0.9995)")
        self.finds("README.md: the objective availability is not told as 99.95 %")

    def test_one_window_is_another_expression(self):
        self.replace("rules.yml", "avg_over_time(abstractor:oldest_job_late:bool[30m])", "avg_over_time(abstractor:oldest_job_late:bool[1h])")
        self.finds("rules.yml: abstractor:slo_missed:ratio of freshness is not the same expression over every window")

    def test_a_window_is_missing(self):
        missing = "      - record: abstractor:slo_missed:ratio_3d\n        labels: { slo: freshness }\n        expr: |\n          avg_over_time(abstractor:oldest_job_late:bool[3d])\n"
        self.replace("rules.yml", missing, "")
        self.finds("rules.yml: abstractor:slo_missed:ratio of freshness is recorded over 5m, 30m, 1h, 6h, 30d in place of 5m, 30m, 1h, 6h, 3d, 30d")


class Dashboard(Copy):
    def test_panels_over_one_another(self):
        self.panels(lambda panels: panels["Memory"]["gridPos"].update(w=7))
        self.finds("dashboard: Processor lies over Memory")

    def test_panel_beyond_the_page(self):
        self.panels(lambda panels: panels["Traces not taken"]["gridPos"].update(w=7))
        self.finds("dashboard: Traces not taken is wider than the page")

    def test_same_id(self):
        self.panels(lambda panels: panels["Memory"].update(id=panels["Review"]["id"]))
        self.finds("dashboard: two panels have the same id")

    def test_no_description(self):
        self.panels(lambda panels: panels["Memory"].pop("description"))
        self.finds("dashboard: Memory has no description")

    def test_no_title(self):
        self.panels(lambda panels: panels["Memory"].update(title=""))
        self.assertTrue(any(problem.endswith("has no title") for problem in check.check_own(self.folder)))

    def test_no_unit(self):
        self.panels(lambda panels: panels["Memory"]["fieldConfig"]["defaults"].pop("unit"))
        self.finds("dashboard: Memory has no unit")

    def test_unit_misspelt(self):
        self.panels(lambda panels: panels["Memory"]["fieldConfig"]["defaults"].update(unit="byte"))
        self.finds("dashboard: Memory has the unit byte, which this check does not know")

    def test_data_source_of_one_site(self):
        self.panels(lambda panels: panels["Memory"]["targets"][0].update(datasource={"type": "prometheus", "uid": "PBFA97CFB590B2093"}))
        self.finds("dashboard: Memory does not take its data source from the variable")

    def test_variable_that_is_not_there(self):
        self.replace("abstractor-dashboard.json", 'process_resident_memory_bytes{job=\\"abstractor\\",instance=~\\"$instance\\"}', 'process_resident_memory_bytes{job=\\"abstractor\\",instance=~\\"$process\\"}')
        self.finds("dashboard: Memory: there is no variable process")


class Promtool(Copy):
    """promtool is asked, and asked about these files."""

    def setUp(self):
        super().setUp()
        # its tests take seconds: one small one is enough to see that they run
        (self.folder / "rules_test.yml").write_text(
            "rule_files: [rules.yml]\ntests:\n  - interval: 1m\n    input_series:\n"
            "      - { series: 'up{job=\"abstractor\",instance=\"a\"}', values: '1x10' }\n"
            "    alert_rule_test:\n      - { alertname: AbstractorNotScraped, eval_time: 10m, exp_alerts: [] }\n",
            "utf-8",
        )

    def problems(self) -> str:
        return "\n".join(check.check_with_promtool(self.folder))

    def test_nothing_is_wrong(self):
        self.assertEqual(self.problems(), "")

    def test_alert_that_fires_where_it_should_not(self):
        self.replace("rules.yml", 'absent(up{job="abstractor"})', 'up{job="abstractor"} == 1')
        self.assertIn("alertname: AbstractorNotScraped", self.problems())

    def test_rule_that_cannot_be_read(self):
        self.replace("rules.yml", 'absent(up{job="abstractor"})', 'absents(up{job="abstractor"})')
        self.assertIn('unknown function with name "absents"', self.problems())

    def test_query_of_the_dashboard_that_cannot_be_read(self):
        self.panels(lambda panels: panels["Notes"]["targets"][0].update(expr="max(abstractor_notes"))
        self.assertIn("unclosed left parenthesis", self.problems())

    def test_configuration_that_cannot_be_used(self):
        self.replace("prometheus.yml", "metrics_path", "metric_path")
        self.assertIn("field metric_path not found", self.problems())


class Scrape(unittest.TestCase):
    METRICS, _ = check.read_metrics(check.HERE / "metrics.tsv")

    def problems(self, scrape: str) -> list[str]:
        return list(check.check_scrape(scrape, self.METRICS))

    def test_what_is_in_the_table(self):
        self.assertEqual(self.problems('# TYPE abstractor_extractions_total counter\nabstractor_extractions_total{recorded="yes"} 14\n\nabstractor_extraction_seconds_bucket{le="+Inf"} 14\n'), [])

    def test_what_is_not(self):
        self.assertEqual(self.problems("abstractor_new_total 1\n"), ["metrics.tsv: abstractor_new_total is told by /metrics and is not there"])
        self.assertEqual(self.problems('abstractor_notes{source="emr"} 1\n'), ["metrics.tsv: abstractor_notes has the label source"])
        self.assertEqual(self.problems('abstractor_extractions_total{recorded="no"} 1\n'), ["metrics.tsv: the label recorded of abstractor_extractions_total may be no"])
        self.assertEqual(self.problems("# TYPE abstractor_notes counter\nabstractor_notes 1\n"), ["metrics.tsv: abstractor_notes is a counter"])


class Queries(unittest.TestCase):
    def test_metrics_are_told_from_functions_labels_and_words(self):
        query = check.read_query('sum without (instance) (rate(a_total{b="c{}", d!~"e\\\\.f"}[5m] offset 1h)) / on (g) group_left (h) max(i{}) or vector(0) # j')
        self.assertEqual([(one.metric, one.aggregator) for one in query.selectors], [("a_total", "sum"), ("i", "max")])
        self.assertEqual(query.selectors[0].matchers, [("b", "=", "c{}"), ("d", "!~", "e\\.f")])
        self.assertEqual([labels for labels, _ in query.groupings], [["instance"], ["g"], ["h"]])

    def test_grouping_behind_the_parentheses(self):
        query = check.read_query("a + sum(b) by (c)")
        self.assertEqual([(labels, [one.metric for one in about]) for labels, about in query.groupings], [(["c"], ["b"])])

    def test_selector_without_a_metric(self):
        with self.assertRaises(ValueError):
            check.read_query('count({job="abstractor"})')


if __name__ == "__main__":
    unittest.main()
