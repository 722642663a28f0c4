"""Checks the objects of deploy/kubernetes and the two files for Prometheus."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate

from program import Program
from shared import USER, documents, port_of, seconds_to_stop, version

KUBERNETES = ["1.30", kubernetes_validate.latest_version()]  # the oldest that is meant, and the newest that is known
CONNECTIONS = 97  # what PostgreSQL leaves to others than superusers by default


def check_kubernetes(root: Path, program: Program) -> Iterator[str]:
    """Schemas; what each container may, reads and runs; names that must meet."""
    folder = root / "deploy/kubernetes"
    [kustomization] = documents(folder / "kustomization.yaml")
    objects = []
    for file in sorted(folder.glob("*.yaml")):
        if file.name == "kustomization.yaml":
            continue
        if file.name not in kustomization["resources"]:
            yield f"{file.name} is not among the resources of kustomization.yaml"
        for document in documents(file):
            objects.append(document)
            for release in KUBERNETES:
                try:
                    kubernetes_validate.validate(document, release, strict=True)
                except kubernetes_validate.ValidationError as error:
                    yield f"{file.name}: {document['kind']} for {release}: {'.'.join(map(str, error.path))}: {error.message}"
                except kubernetes_validate.SchemaNotFoundError:
                    yield f"{file.name}: {document['kind']} of {document['apiVersion']} is not known for {release}"
    yield from (f"{name} of kustomization.yaml is not there" for name in kustomization["resources"] if not (folder / name).is_file())
    if [image.get("newTag") for image in kustomization["images"]] != [version(root)]:
        yield f"the tag of kustomization.yaml is not {version(root)}"
    generated = {map_["name"] for map_ in kustomization["configMapGenerator"]}
    yield from (
        f"{name} of kustomization.yaml is not there"
        for map_ in kustomization["configMapGenerator"] for name in map_.get("files", []) if not (folder / name).is_file()
    )
    if any(thing["kind"] == "Secret" for thing in objects):
        yield "a Secret is no file of the repository"
    deployments = {thing["metadata"]["name"]: thing for thing in objects if thing["kind"] == "Deployment"}
    if len(deployments) != 2:
        yield "there are not two Deployments"
    for name, deployment in deployments.items():
        yield from (f"{name}: {problem}" for problem in check_pod(root, program, deployment, generated))
    yield from check_meetings(root, objects, deployments)
    yield from check_network(objects)


def check_pod(root: Path, program: Program, deployment: dict, generated: set[str]) -> Iterator[str]:
    """One Deployment's pod."""
    pod = deployment["spec"]["template"]["spec"]
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or {context.get(name) for name in ("runAsUser", "runAsGroup", "fsGroup")} != {USER}:
        yield f"the pod does not run as {USER} alone"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "the pod has no seccomp profile"
    if pod.get("automountServiceAccountToken") is not False or pod.get("enableServiceLinks") is not False:
        yield "the pod gets a token of the cluster, or variables of its services"
    if deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] != 0:
        yield "an update takes a pod away before another one is there"
    for wanted in ("topologySpreadConstraints", "terminationGracePeriodSeconds"):
        if wanted not in pod:
            yield f"there is no {wanted}"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    made_by_hand = (root / "deploy/README.md").read_text()
    for volume in volumes.values():
        for name in filter(None, (volume.get("secret", {}).get("secretName"), volume.get("configMap", {}).get("name"))):
            if name not in generated and not re.search(rf"kubectl .*create (secret generic|configmap) {name} ", made_by_hand):
                yield f"nothing makes {name}"
    for container in pod.get("initContainers", []) + pod["containers"]:
        yield from (f"{container['name']}: {problem}" for problem in check_container(program, container, volumes, generated))
    for container in pod["containers"]:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = container.get(probe, {}).get("httpGet", {})
            wanted = "/health/live" if probe == "livenessProbe" else "/health/ready"
            if path != {"path": wanted, "port": "http"}:
                yield f"{container['name']}: {probe} does not ask {wanted}"
        ports = [port["containerPort"] for port in container["ports"] if port["name"] == "http"]
        if ports != [port_of(value(container, "--listen", "ABSTRACTOR_LISTEN"))]:
            yield f"{container['name']}: its port is not the one that it listens on"
        configuration = root / "deploy/kubernetes/abstractor.toml"
        longest = seconds_to_stop(configuration, container["args"])
        if pod.get("terminationGracePeriodSeconds", 0) <= longest:
            yield f"terminationGracePeriodSeconds must be more than {longest}, which a stop may take"
        probe = container.get("readinessProbe", {})
        if probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3) >= tomllib.loads(configuration.read_text())["stop"]["linger_seconds"]:
            yield "linger_seconds must be longer than the readiness probe takes to notice"


def value(container: dict, option: str, variable: str) -> str:
    """What an option has in a container's arguments, else the variable in its environment."""
    given = [word.split("=", 1)[1] for word in container["args"] if word.startswith(option + "=")]
    return (given + [entry["value"] for entry in container["env"] if entry["name"] == variable] + ["none:0"])[0]


def check_container(program: Program, container: dict, volumes: dict, generated: set[str]) -> Iterator[str]:
    """One container: rights, resources, command, variables, folders."""
    context = container.get("securityContext", {})
    wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    if context != wanted:
        yield f"its securityContext is not {wanted}"
    for kind in ("requests", "limits"):
        if set(container.get("resources", {}).get(kind, {})) != {"cpu", "memory"}:
            yield f"its {kind} of cpu and memory are not set"
    if container["image"] != "abstractor":
        yield f"{container['image']} is not the image that kustomization.yaml names"
    yield from program.problems(container["args"], {entry["name"] for entry in container["env"]})
    for entry in container["env"]:
        reference = entry.get("valueFrom", {}).get("configMapKeyRef")
        if reference and reference["name"] not in generated:
            yield f"{entry['name']}: nothing makes {reference['name']}"
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    yield from (f"there is no volume {mount['name']}" for mount in mounts.values() if mount["name"] not in volumes)
    for entry in container["env"]:
        path = entry.get("value", "")
        is_address = entry["name"] in ("ABSTRACTOR_LISTEN", "ABSTRACTOR_DATABASE_CONNECTIONS")
        if path.startswith("/") and not is_address and not any(path == mount or path.startswith(mount + "/") for mount in mounts):
            yield f"{entry['name']}={path} lies in no volume"
    if "emptyDir" not in volumes.get(mounts.get("/tmp", {}).get("name"), {}):
        yield "/tmp is not writable"


def selects(selector: dict, labels: dict) -> bool:
    """Whether a selector of labels chooses a pod."""
    return all(labels.get(name) == word for name, word in selector.items())


def check_meetings(root: Path, objects: list[dict], deployments: dict[str, dict]) -> Iterator[str]:
    """Selectors, ports, the metric of the autoscaler, connections to the database."""
    pods = [deployment["spec"]["template"] for deployment in deployments.values()]
    for thing in objects:
        kind, spec = thing["kind"], thing.get("spec", {})
        selector = {"Service": spec.get("selector"), "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels", {})}
        selector = selector.get(kind, (spec.get("selector") or {}).get("matchLabels") if kind in ("Deployment", "PodDisruptionBudget") else None)
        if selector is not None and not any(selects(selector, pod["metadata"]["labels"]) for pod in pods):
            yield f"{kind} {thing['metadata']['name']} selects no pod"
        if kind == "Service":
            ports = [port["name"] for pod in pods if selects(selector, pod["metadata"]["labels"]) for port in pod["spec"]["containers"][0]["ports"]]
            yield from (f"the Service's {port['targetPort']} is no port of its pods" for port in spec["ports"] if port["targetPort"] not in ports)
    scalers = [thing["spec"] for thing in objects if thing["kind"] == "HorizontalPodAutoscaler"]
    [values] = documents(root / "deploy/kubernetes/monitoring/prometheus-adapter-values.yaml")
    adapted = {rule["name"]["as"] for rule in values["rules"]["external"]}
    for scaler in scalers:
        if "replicas" in deployments.get(scaler["scaleTargetRef"]["name"], {"spec": {"replicas": 0}})["spec"]:
            yield "the autoscaler's Deployment is not there, or has a number of replicas of its own"
        asked = {metric["external"]["metric"]["name"] for metric in scaler["metrics"]}
        yield from (f"the adapter does not make {name}" for name in asked - adapted)
    if not scalers:
        yield "nothing scales the workers"
    budgets = [thing for thing in objects if thing["kind"] == "PodDisruptionBudget"]
    if len(budgets) != len(deployments):
        yield "not every Deployment has a PodDisruptionBudget"
    connections = 0
    for name, deployment in deployments.items():
        most = [scaler["maxReplicas"] for scaler in scalers if scaler["scaleTargetRef"]["name"] == name]
        replicas = max([deployment["spec"].get("replicas", 1), *most])
        environment = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        each = [entry["value"] for entry in environment if entry["name"] == "ABSTRACTOR_DATABASE_CONNECTIONS"]
        # one more hears of jobs, and one pod more runs in an update
        connections += (replicas + deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"]) * (int((each or ["16"])[0]) + 1)
    if connections > CONNECTIONS:
        yield f"{connections} connections are more than the {CONNECTIONS} that PostgreSQL gives by default"


def check_network(objects: list[dict]) -> Iterator[str]:
    """Nothing is let through by default; out go PostgreSQL and names alone; in comes what the containers listen on."""
    policies = [thing["spec"] for thing in objects if thing["kind"] == "NetworkPolicy"]
    if not any(policy["podSelector"] == {} and sorted(policy["policyTypes"]) == ["Egress", "Ingress"] and len(policy) == 2 for policy in policies):
        yield "no NetworkPolicy denies everything by default"
    pods = [thing["spec"]["template"]["spec"] for thing in objects if thing["kind"] == "Deployment"]
    listened = {port["containerPort"] for pod in pods for port in pod["containers"][0]["ports"]}
    for policy in policies:
        for way, peers, allowed in (("egress", "to", {5432, 53}), ("ingress", "from", listened)):
            for rule in policy.get(way, []):
                if not rule.get(peers) or any(peer.get("ipBlock", {}).get("cidr", "").endswith("/0") for peer in rule[peers]):
                    yield f"a rule of {way} is for everybody"
                if not rule.get("ports") or {port["port"] for port in rule["ports"]} - allowed:
                    yield f"a rule of {way} is for other ports than {sorted(allowed)}"
