"""Checks all that lies beside it: python deploy/monitoring/check.py

promtool checks the configuration, the rules, their tests and the queries of the dashboard. This program checks what promtool cannot know:
that every metric and label is one of metrics.tsv, that figures of the database are aggregated with max, that every alert has its section in
README.md and is shown firing and silent, that the windows of an objective differ in nothing but the window, and that the dashboard is whole.

With the answer of a running /metrics in a file it also says what in there is not in metrics.tsv: check.py --metrics FILE
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

HERE = Path(__file__).parent
RUNBOOK = "deploy/monitoring/README.md#"

COLUMNS = ["metric", "type", "labels", "unit", "of", "meaning"]
WINDOWS = ["5m", "30m", "1h", "6h", "3d", "30d"]
# Grafana shows a unit that it does not know as plain text
UNITS = {"bytes", "decbytes", "none", "ops", "percentunit", "reqps", "s", "short"}

AGGREGATORS = {"sum", "min", "max", "avg", "count", "stddev", "stdvar", "group", "topk", "bottomk", "quantile", "count_values"}
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
OTHER_WORDS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}
TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<number>\d[\w.]*(?:(?<=e)[+-]\d+)?|\.\d+)
      | (?P<name>[A-Za-z_:][\w:]*)
      | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^(){}\[\],=<>@:])""",
    re.VERBOSE,
)


@dataclasses.dataclass
class Metric:
    """A row of metrics.tsv, or what a rule records."""

    labels: dict[str, list[str]]
    type: str = "gauge"
    of: str = "process"


@dataclasses.dataclass
class Selector:
    """A metric that an expression reads."""

    metric: str
    matchers: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)
    aggregator: str = ""


@dataclasses.dataclass
class Query:
    """What an expression names. Each grouping is the labels of a `by` or the like, with the selectors that it is about."""

    selectors: list[Selector] = dataclasses.field(default_factory=list)
    groupings: list[tuple[list[str], list[Selector]]] = dataclasses.field(default_factory=list)


def tokens_of(expression: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(expression):
        match = TOKEN.match(expression, at)
        if not match:
            raise ValueError(f"cannot be read from {expression[at:at + 20]!r}")
        if match.lastgroup != "space":
            found.append((match.lastgroup, match.group()))
        at = match.end()
    return found


def read_query(expression: str) -> Query:
    """Finds metrics, matchers and groupings of a PromQL expression; its grammar is promtool's to check."""
    tokens = [*tokens_of(expression), ("end", ""), ("end", "")]
    query = Query()
    every: list[list[str]] = []  # labels of on, ignoring and group_left: about all selectors
    frames: list[tuple[str, list[str], int]] = []  # open parentheses: aggregator, its labels, selectors before it
    aggregator, labels, closed, at = "", [], 0, 0

    def listed(start: int) -> tuple[list[str], int]:
        end = start
        while tokens[end][1] != ")":
            if tokens[end][0] == "end":
                raise ValueError("a list of labels does not end")
            end += 1
        return [text for kind, text in tokens[start:end] if kind == "name"], end + 1

    while tokens[at][0] != "end":
        kind, text = tokens[at]
        following = tokens[at + 1][1]
        at += 1
        if kind == "name" and text in GROUPING and following == "(":
            names, at = listed(at + 1)
            if text not in {"by", "without"}:
                every.append(names)
            elif aggregator:
                labels = names
            else:  # after the parentheses
                query.groupings.append((names, query.selectors[closed:]))
        elif kind == "name" and text in AGGREGATORS:
            aggregator = text
        elif kind == "name" and (text.lower() in OTHER_WORDS | GROUPING or following == "("):
            pass
        elif kind == "name":
            selector = Selector(text, aggregator=next((name for name, _, _ in reversed(frames) if name), ""))
            if following == "{":
                at += 1
                while tokens[at][1] != "}":
                    if tokens[at][1] == ",":
                        at += 1
                        continue
                    (_, label), (_, operator), (quoted, value) = tokens[at : at + 3]
                    if quoted != "string":
                        raise ValueError(f"the matchers of {text} cannot be read")
                    selector.matchers.append((label, operator, value[1:-1].replace("\\\\", "\\")))
                    at += 3
            query.selectors.append(selector)
        elif text == "{":
            raise ValueError("a selector names no metric")
        elif text == "[":
            while tokens[at][1] not in {"]", ""}:
                at += 1
        elif text == "(":
            frames.append((aggregator, labels, len(query.selectors)))
            aggregator, labels = "", []
        elif text == ")" and frames:
            _, names, closed = frames.pop()
            if names:
                query.groupings.append((names, query.selectors[closed:]))
    query.groupings += [(names, query.selectors) for names in every]
    return query


def read_metrics(file: Path) -> tuple[dict[str, Metric], list[str]]:
    """Metrics of a table, and what is wrong with it."""
    metrics: dict[str, Metric] = {}
    problems = []
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    if rows[0] != COLUMNS:
        return {}, [f"{file.name}: the columns are not {', '.join(COLUMNS)}"]
    for row in rows[1:]:
        fields = dict(zip(COLUMNS, row))
        name = row[0]
        if len(row) != len(COLUMNS) or not fields["meaning"]:
            problems.append(f"{file.name}: {name}: a row has {len(COLUMNS)} columns, of which the last says what it means")
            continue
        if name in metrics:
            problems.append(f"{file.name}: {name} stands there twice")
        if fields["type"] not in {"counter", "gauge", "histogram"} or fields["of"] not in {"process", "database"}:
            problems.append(f"{file.name}: {name}: type or of is none that is known")
        if (fields["type"] == "counter") != name.endswith("_total"):
            problems.append(f"{file.name}: {name}: counters, and only they, end in _total")
        labels = {label.partition("=")[0]: label.partition("=")[2] for label in fields["labels"].split()}
        values = {label: values.split(",") if values else [] for label, values in labels.items()}
        values |= {"job": [], "instance": []}
        of, kind = fields["of"], fields["type"]
        if kind == "histogram":
            metrics |= {f"{name}_{part}": Metric(dict(values), "counter", of) for part in ("count", "sum")}
            metrics[f"{name}_bucket"] = Metric(values | {"le": []}, "counter", of)
        else:
            metrics[name] = Metric(values, kind, of)
    return metrics, problems


def problems_of_query(expression: str, metrics: dict[str, Metric]) -> Iterator[str]:
    """What names a metric, a label or a value that is not there, or takes a figure the wrong way."""
    try:
        query = read_query(expression)
    except ValueError as error:
        yield str(error)
        return
    for selector in query.selectors:
        metric = metrics.get(selector.metric)
        if not metric:
            yield f"the metric {selector.metric} is not in metrics.tsv"
            continue
        if metric.of == "database" and selector.aggregator != "max":
            yield f"{selector.metric} is the same from every process and must be aggregated with max"
        for label, operator, value in selector.matchers:
            if label not in metric.labels:
                yield f"{selector.metric} has no label {label}"
                continue
            known = metric.labels[label]
            wanted = value.split("|") if operator in {"=~", "!~"} else [value]
            for one in wanted if known and value != ".*" else []:
                if not any(re.fullmatch(one, candidate) for candidate in known):
                    yield f"the label {label} of {selector.metric} is never {one}"
    for labels, selectors in query.groupings:
        for label in labels:
            if not any(label in metrics[one.metric].labels for one in selectors if one.metric in metrics):
                yield f"no metric that is grouped has the label {label}"


def labels_of_query(expression: str, metrics: dict[str, Metric]) -> set[str]:
    """Labels that the metrics of an expression have."""
    try:
        selectors = read_query(expression).selectors
    except ValueError:
        return set()
    return {label for one in selectors if one.metric in metrics for label in metrics[one.metric].labels}


def all_rules(rules: dict) -> list[dict]:
    return [rule for group in rules["groups"] for rule in group["rules"]]


def recorded(rules: dict, metrics: dict[str, Metric]) -> dict[str, Metric]:
    """What the rules record: labels are those that a rule gives and those that it groups by."""
    found: dict[str, Metric] = {}
    for rule in all_rules(rules):
        if "record" in rule:
            labels = dict.fromkeys(rule.get("labels", {}), ())
            sources = [found[one.metric] for one in read_query(rule["expr"]).selectors if one.metric in found]
            metric = found.setdefault(rule["record"], Metric({}))
            for label in labels:
                metric.labels.setdefault(label, []).append(rule["labels"][label])
            if not labels:
                for source in sources:
                    metric.labels |= source.labels
    return found


def check_rules(rules: dict, metrics: dict[str, Metric]) -> Iterator[str]:
    for rule in all_rules(rules):
        name = rule.get("alert") or rule["record"]
        for problem in problems_of_query(rule["expr"], metrics):
            yield f"rules.yml: {name}: {problem}"
        if "alert" in rule:
            annotations = rule.get("annotations", {})
            if missing := {"summary", "description", "runbook"} - annotations.keys():
                yield f"rules.yml: {name} has no {' and no '.join(sorted(missing))}"
            if rule.get("labels", {}).get("severity") not in {"page", "ticket"}:
                yield f"rules.yml: {name} has no severity, page or ticket"
            known = labels_of_query(rule["expr"], metrics)
            for label in re.findall(r"\$labels\.(\w+)", " ".join(annotations.values())):
                if label not in known:
                    yield f"rules.yml: {name} tells the label {label}, which its metrics do not have"


def check_windows(rules: dict) -> Iterator[str]:
    """Every objective is recorded over every window, and by the same expression."""
    recorded_over: dict[str, dict[str, str]] = {}
    for rule in all_rules(rules):
        name, _, window = rule.get("record", "").rpartition("_")
        if name in {"abstractor:slo_missed:ratio", "abstractor:slo_missed:count"}:
            same = rule["expr"].replace(f"[{window}]", "[window]")
            recorded_over.setdefault(f"{name} of {rule['labels']['slo']}", {})[window] = same
    for name, windows in recorded_over.items():
        wanted = WINDOWS if ":ratio" in name else ["1h", "6h"]
        if list(windows) != wanted:
            yield f"rules.yml: {name} is recorded over {', '.join(windows)} in place of {', '.join(wanted)}"
        if len(set(windows.values())) > 1:
            yield f"rules.yml: {name} is not the same expression over every window"


def check_tests(rules: dict, tests: dict) -> Iterator[str]:
    shown = [case for test in tests["tests"] for case in test.get("alert_rule_test", [])]
    alerts = {rule["alert"] for rule in all_rules(rules) if "alert" in rule}
    for alert in sorted(alerts):
        cases = [bool(case.get("exp_alerts")) for case in shown if case["alertname"] == alert]
        if True not in cases:
            yield f"rules_test.yml: no test shows {alert} firing"
        if False not in cases:
            yield f"rules_test.yml: no test shows {alert} silent"
    # an alert that is misspelt is silent in promtool too
    for alert in sorted({case["alertname"] for case in shown} - alerts):
        yield f"rules_test.yml: there is no alert {alert}"


def check_readme(rules: dict, readme: str) -> Iterator[str]:
    headings = re.findall(r"^### (Abstractor\w+)$", readme, re.MULTILINE)
    alerts = [rule for rule in all_rules(rules) if "alert" in rule]
    for rule in alerts:
        name = rule["alert"]
        if name not in headings:
            yield f"README.md: there is no section {name}"
        if rule.get("annotations", {}).get("runbook") != RUNBOOK + name.lower():
            yield f"rules.yml: the runbook of {name} is not {RUNBOOK}{name.lower()}"
    for name in sorted(set(headings) - {rule["alert"] for rule in alerts}):
        yield f"README.md: the section {name} is about no alert"
    for rule in all_rules(rules):
        if rule.get("record") == "abstractor:slo_objective:ratio":
            slo, objective = rule["labels"]["slo"], float(rule["expr"].removeprefix("vector(").removesuffix(")"))
            if not re.search(rf"^\| `{slo}` \|.*\| {objective * 100:g} % \|$", readme, re.MULTILINE):
                yield f"README.md: the objective {slo} is not told as {objective * 100:g} %"


def queries_of(dashboard: dict) -> Iterator[tuple[dict, dict, str]]:
    """Panel, target and expression; what Grafana fills in is filled in."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "5m").replace("$__range", "1h")
            yield panel, target, expression.replace("$instance", ".*")


def check_dashboard(dashboard: dict, metrics: dict[str, Metric]) -> Iterator[str]:
    panels = dashboard["panels"]
    if dashboard.get("uid") != "abstractor" or not isinstance(dashboard.get("schemaVersion"), int):
        yield "dashboard: its uid is not abstractor, or it has no schemaVersion"
    variables = {variable["name"]: variable["type"] for variable in dashboard["templating"]["list"]}
    if variables.get("datasource") != "datasource":
        yield "dashboard: there is no variable for the data source"
    if len({panel["id"] for panel in panels}) < len(panels):
        yield "dashboard: two panels have the same id"
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        title = panel.get("title") or f"panel {panel['id']}"
        for field in ("title", "description"):
            if not panel.get(field):
                yield f"dashboard: {title} has no {field}"
        grid = panel["gridPos"]
        if grid["x"] + grid["w"] > 24:
            yield f"dashboard: {title} is wider than the page"
        cells = [(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])]
        for other in sorted({taken[cell] for cell in cells if cell in taken}):
            yield f"dashboard: {title} lies over {other}"
        taken |= dict.fromkeys(cells, title)
        if panel["type"] == "row":
            continue
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
        if unit not in UNITS:
            yield f"dashboard: {title} has {'no unit' if unit is None else f'the unit {unit}, which this check does not know'}"
        if not panel.get("targets"):
            yield f"dashboard: {title} shows nothing"
        sources = [panel.get("datasource"), *(target.get("datasource") for target in panel.get("targets", []))]
        if any((source or {}).get("uid") != "${datasource}" for source in sources):
            yield f"dashboard: {title} does not take its data source from the variable"
    shown = set()
    for panel, target, expression in queries_of(dashboard):
        title = panel.get("title")
        for problem in problems_of_query(expression, metrics):
            yield f"dashboard: {title}: {problem}"
        known = labels_of_query(expression, metrics)
        for label in re.findall(r"{{\s*(\w+)\s*}}", target.get("legendFormat", "")):
            if label not in known:
                yield f"dashboard: {title}: the legend tells the label {label}, which the metrics do not have"
        for variable in re.findall(r"\$\{?(\w+)", target["expr"]):
            if variable not in variables and not variable.startswith("__"):
                yield f"dashboard: {title}: there is no variable {variable}"
        shown |= set(re.findall(r"abstractor_\w+", expression))
    for name in metrics:
        family = re.sub(r"_(count|sum|bucket)$", "", name)
        if name.startswith("abstractor_") and not any(one.startswith(family) for one in shown):
            yield f"dashboard: {name} is on no panel"


def check_scrape(scrape: str, metrics: dict[str, Metric]) -> Iterator[str]:
    """What a running program tells and metrics.tsv does not, and what metrics.tsv calls otherwise."""
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", scrape, re.MULTILINE))
    told = {}
    for name, labels in re.findall(r"^(\w+)(\{.*\})? \S+$", scrape, re.MULTILINE):
        told.setdefault(name, set()).update(re.findall(r"(\w+)=\"((?:\\.|[^\"\\])*)\"", labels))
    for name, labels in told.items():
        if name not in metrics:
            yield f"metrics.tsv: {name} is told by /metrics and is not there"
            continue
        for label, value in sorted(labels):
            if label not in metrics[name].labels:
                yield f"metrics.tsv: {name} has the label {label}"
            elif (known := metrics[name].labels[label]) and value not in known:
                yield f"metrics.tsv: the label {label} of {name} may be {value}"
        if types.get(name, metrics[name].type) != metrics[name].type:
            yield f"metrics.tsv: {name} is a {types[name]}"


def promtool(*arguments: str, folder: Path) -> Iterator[str]:
    """What promtool has against the files."""
    program = shutil.which("promtool")
    if not program:
        yield "promtool is not installed; in Debian it is in the package prometheus"
        return
    ran = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode:
        yield f"promtool {' '.join(arguments)}:\n{(ran.stdout + ran.stderr).strip()}"


def check_with_promtool(folder: Path) -> Iterator[str]:
    dashboard = json.loads((folder / "abstractor-dashboard.json").read_text("utf-8"))
    queries = [
        {"record": f"panel_{panel['id']}_{target['refId']}", "expr": expression}
        for panel, target, expression in queries_of(dashboard)
    ]
    with tempfile.TemporaryDirectory() as temporary:
        beside = Path(temporary)
        for name in ("prometheus.yml", "rules.yml", "rules_test.yml"):
            shutil.copy(folder / name, beside)
        # the configuration names a token and an authority, which each site has its own of
        for name in ("abstractor.token", "hospital-ca.pem"):
            (beside / name).touch()
        (beside / "dashboard.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": queries}]}), "utf-8")
        yield from promtool("check", "config", "prometheus.yml", folder=beside)
        yield from promtool("check", "rules", "rules.yml", "dashboard.yml", folder=beside)
        yield from promtool("test", "rules", "rules_test.yml", folder=beside)


def check_own(folder: Path) -> Iterator[str]:
    """All but what promtool does."""
    metrics, problems = read_metrics(folder / "metrics.tsv")
    others, more = read_metrics(folder / "other_metrics.tsv")
    yield from problems + more
    rules = yaml.safe_load((folder / "rules.yml").read_text("utf-8"))
    tests = yaml.safe_load((folder / "rules_test.yml").read_text("utf-8"))
    every = metrics | others
    every |= recorded(rules, every)
    yield from check_rules(rules, every)
    yield from check_windows(rules)
    yield from check_tests(rules, tests)
    yield from check_readme(rules, (folder / "README.md").read_text("utf-8"))
    yield from check_dashboard(json.loads((folder / "abstractor-dashboard.json").read_text("utf-8")), every)


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the files of deploy/monitoring.")
    parser.add_argument("--metrics", type=Path, metavar="FILE", help="what a running /metrics answered")
    scrape = parser.parse_args().metrics
    problems = [*check_own(HERE), *check_with_promtool(HERE)]
    if scrape:
        problems += check_scrape(scrape.read_text("utf-8"), read_metrics(HERE / "metrics.tsv")[0])
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print("monitoring: everything is as it should be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
