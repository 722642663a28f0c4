"""Tests of check.py: what is sound passes, and each of a number of mistakes is found. `python -m unittest` in this folder, with the
packages of requirements.txt and a built program."""

import shutil
import tempfile
import unittest
from pathlib import Path

import yaml

import check
import dockerfile

COPIED = ["deploy", "Dockerfile", ".dockerignore"]


class MistakeTest(unittest.TestCase):
    """A copy of the files with one mistake in it; the rest of the repository by links."""

    @classmethod
    def setUpClass(cls):
        cls.program = check.the_program()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for path in check.ROOT.iterdir():
            if path.name in COPIED:
                dockerfile.copied(path, self.root / path.name)
            else:
                (self.root / path.name).symlink_to(path)

    def change(self, file: str, old: str, new: str):
        """Makes the mistake, once."""
        path = self.root / file
        text = path.read_text()
        self.assertIn(old, text, f"{file} does not have what the test changes")
        path.write_text(text.replace(old, new, 1))

    def finds(self, name: str, *words: str):
        """The check names the mistake."""
        found = list(check.CHECKS[name](self.root, self.program))
        for word in words:
            self.assertTrue(any(word in problem for problem in found), f"{word!r} is not in {found}")

    def test_what_is_here_is_sound(self):
        for name, run in check.CHECKS.items():
            with self.subTest(name):
                self.assertEqual(list(run(self.root, self.program)), [])

    # --- Dockerfile

    def test_a_source_that_is_not_there(self):
        self.change("Dockerfile", "COPY vocabularies ./vocabularies", "COPY vocabulary ./vocabularies")
        self.finds("Dockerfile", "COPY vocabulary: there is no such file", "vocabularies/")

    def test_a_table_that_the_build_reads_and_nobody_copies(self):
        self.change("Dockerfile", "COPY models/clinical-ner ./models/clinical-ner\n", "")
        self.finds("Dockerfile", "src/recognize/files.rs includes ../../models/clinical-ner/model.safetensors")

    def test_a_member_of_the_workspace_that_is_not_copied(self):
        self.change("Dockerfile", "COPY eval/Cargo.toml ./eval/\n", "")
        self.finds("Dockerfile", "eval/Cargo.toml")

    def test_a_source_that_is_ignored(self):
        self.change(".dockerignore", "!encoder\n", "")
        self.finds("Dockerfile", "COPY encoder: .dockerignore leaves out encoder/")

    def test_a_key_in_what_is_sent(self):
        self.change(".dockerignore", "!src\n", "!src\n!deploy\n")
        self.finds("Dockerfile", ".dockerignore sends deploy/compose/secrets/site.key")

    def test_an_image_that_runs_as_root(self):
        self.change("Dockerfile", "USER 10001:10001\n", "")
        self.finds("Dockerfile", "does not run as 10001:10001")

    def test_a_stage_without_a_release(self):
        self.change("Dockerfile", "FROM debian:12.11-slim", "FROM debian:latest")
        self.finds("Dockerfile", "DL3007", "debian:latest is not pinned")

    def test_an_instruction_that_docker_does_not_know(self):
        self.change("Dockerfile", "EXPOSE 8080", "EXPOZE 8080")
        self.finds("Dockerfile", "unexpected 'E", "the last stage has no EXPOSE")

    # --- Kubernetes

    def test_a_kind_that_does_not_exist(self):
        self.change("deploy/kubernetes/network.yaml", "kind: NetworkPolicy", "kind: NetworkPolice")
        self.finds("Kubernetes", "NetworkPolice")

    def test_a_field_that_does_not_exist(self):
        self.change("deploy/kubernetes/worker.yaml", "failureThreshold: 90", "failureTreshold: 90")
        self.finds("Kubernetes", "failureTreshold")

    def test_a_name_that_stands_twice(self):
        self.change("deploy/kubernetes/server.yaml", "  replicas: 2\n", "  replicas: 2\n  replicas: 3\n")
        with self.assertRaisesRegex(yaml.YAMLError, "replicas stands twice"):
            list(check.CHECKS["Kubernetes"](self.root, self.program))

    def test_a_pod_that_runs_as_root(self):
        self.change("deploy/kubernetes/server.yaml", "runAsUser: 10001", "runAsUser: 0")
        self.finds("Kubernetes", "abstractor-server: the pod does not run as 10001")

    def test_a_container_that_may_write_to_its_root(self):
        self.change("deploy/kubernetes/worker.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")
        self.finds("Kubernetes", "abstractor-worker: migrate: its securityContext", "abstractor-worker: worker: its securityContext")

    def test_an_option_that_the_program_does_not_take(self):
        self.change("deploy/kubernetes/server.yaml", "--without-worker", "--no-worker")
        self.finds("Kubernetes", "`abstractor serve` does not take --no-worker")

    def test_a_variable_that_the_program_does_not_read(self):
        self.change("deploy/kubernetes/worker.yaml", "ABSTRACTOR_CACHE", "ABSTRACTOR_CACHES")
        self.finds("Kubernetes", "`abstractor worker` does not read ABSTRACTOR_CACHES")
        self.finds("words", "deploy/kubernetes/worker.yaml: no command reads ABSTRACTOR_CACHES")

    def test_a_container_without_resources(self):
        self.change("deploy/kubernetes/server.yaml", "            requests: { cpu: 500m, memory: 1Gi }\n", "")
        self.finds("Kubernetes", "server: its requests of cpu and memory are not set")

    def test_a_container_without_a_probe(self):
        self.change("deploy/kubernetes/server.yaml", "/health/live, port: http", "/health/alive, port: http")
        self.finds("Kubernetes", "livenessProbe does not ask /health/live")

    def test_a_grace_that_is_too_short(self):
        self.change("deploy/kubernetes/abstractor.toml", "linger_seconds = 15", "linger_seconds = 60")
        self.finds("Kubernetes", "abstractor-server: terminationGracePeriodSeconds must be more than 80")

    def test_a_port_that_nobody_listens_on(self):
        self.change("deploy/kubernetes/worker.yaml", "0.0.0.0:8081", "0.0.0.0:8082")
        self.finds("Kubernetes", "worker: its port is not the one that it listens on")

    def test_a_policy_that_lets_everything_out(self):
        self.change("deploy/kubernetes/network.yaml", "192.0.2.10/32", "0.0.0.0/0")
        self.finds("Kubernetes", "a rule of egress is for everybody")

    def test_a_secret_that_nobody_makes(self):
        self.change("deploy/kubernetes/worker.yaml", "secretName: abstractor-site-key", "secretName: abstractor-key")
        self.finds("Kubernetes", "nothing makes abstractor-key")

    def test_a_metric_that_nobody_makes(self):
        self.change("deploy/kubernetes/worker.yaml", "abstractor_oldest_job_seconds", "abstractor_oldest_note_seconds")
        self.finds("Kubernetes", "the adapter does not make abstractor_oldest_note_seconds")
        self.finds("words", "abstractor_oldest_note_seconds is no metric")

    def test_more_workers_than_the_database_has_connections(self):
        self.change("deploy/kubernetes/worker.yaml", "maxReplicas: 6", "maxReplicas: 60")
        self.finds("Kubernetes", "connections are more than the 97")

    def test_another_version(self):
        self.change("deploy/kubernetes/kustomization.yaml", f"newTag: {check.version(self.root)}", "newTag: 9.9.9")
        self.finds("Kubernetes", "the tag of kustomization.yaml")

    # --- Compose

    def test_a_property_that_compose_does_not_know(self):
        self.change("deploy/compose/compose.yaml", "stop_signal: SIGINT", "stop_signals: SIGINT")
        self.finds("Compose", "stop_signals")

    def test_a_service_that_runs_as_root(self):
        self.change("deploy/compose/compose.yaml", 'user: "10001:10001"', 'user: "0:0"')
        self.finds("Compose", "serve: it runs as root", "worker: it runs as root")

    def test_a_port_that_is_open_to_all(self):
        self.change("deploy/compose/compose.yaml", '"127.0.0.1:8080:8080"', '"8080:8080"')
        self.finds("Compose", "serve: its port is open")

    def test_a_port_that_is_published_and_not_listened_on(self):
        self.change("deploy/compose/compose.yaml", "ABSTRACTOR_LISTEN: 0.0.0.0:8080", "ABSTRACTOR_LISTEN: 0.0.0.0:8090")
        self.finds("Compose", "serve: it does not listen on the port that is published")

    def test_a_health_check_of_something_else(self):
        self.change("deploy/compose/compose.yaml", '"abstractor", "health"]', '"abstractor", "--version"]')
        self.finds("Compose", "serve: its healthcheck is not `abstractor health`")

    def test_a_worker_with_a_way_out(self):
        self.change("deploy/compose/compose.yaml", 'volumes: ["worker:/data"]\n    networks: [inside]', 'volumes: ["worker:/data"]\n    networks: [published]')
        self.finds("Compose", "worker: its networks are not internal")

    def test_a_secret_that_a_service_does_not_have(self):
        self.change("deploy/compose/compose.yaml", "secrets: [site.key, database.password]", "secrets: [database.password]")
        self.finds("Compose", "serve: ABSTRACTOR_KEY_FILE: it does not have the secret")

    def test_a_grant_that_is_missing(self):
        self.change("deploy/compose/grants.sql", "used_assertion, ", "")
        self.finds("Compose", "not delete from used_assertion")

    # --- systemd

    def test_a_setting_that_systemd_does_not_know(self):
        self.change("deploy/systemd/abstractor.service", "NoNewPrivileges=yes", "NoNewPrivlieges=yes")
        self.finds("systemd", "Unknown key 'NoNewPrivlieges'", "NoNewPrivileges is not yes")

    def test_a_unit_that_is_too_exposed(self):
        self.change("deploy/systemd/abstractor-worker.service", "CapabilityBoundingSet=\n", "")
        self.finds("systemd", "abstractor-worker.service: ✗ CapabilityBoundingSet")

    def test_an_option_in_a_unit(self):
        self.change("deploy/systemd/abstractor-worker.service", "worker --log-json", "worker --json")
        self.finds("systemd", "`abstractor worker` does not take --json")

    # --- all of it

    def test_a_configuration_that_the_program_refuses(self):
        self.change("deploy/compose/abstractor.toml", "[stop]", "[stopping]")
        self.finds("configuration", "deploy/compose/abstractor.toml")

    def test_a_command_of_the_readme(self):
        self.change("deploy/README.md", "site.key add ada --role coder", "site.key add ada --function coder")
        self.finds("words", "`abstractor user add` does not take --function")


if __name__ == "__main__":
    unittest.main()
