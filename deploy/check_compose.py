"""Checks deploy/compose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from program import Program
from shared import USER, documents, port_of, said, seconds_to_stop, tool, version

# pruned by `abstractor audit prune`, which is the owner's to run
OF_THE_OWNER = {"audit_event", "audit_link", "audit_checkpoint"}
SERVICES_OF_OTHERS = {"database", "grants"}


def check_compose(root: Path, program: Program) -> Iterator[str]:
    """The schema; what each service may, reads and runs; the way in and the ways out."""
    folder = root / "deploy/compose"
    file = folder / "compose.yaml"
    yield from said([tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", file])
    [compose] = documents(file)
    networks = compose["networks"]
    for name, service in compose["services"].items():
        yield from (f"{name}: {problem}" for problem in check_service(root, program, name, service, compose))
        inside = all((networks[network] or {}).get("internal") for network in service["networks"])
        if not inside and (networks["published"].get("driver_opts") or {}).get("com.docker.network.bridge.enable_ip_masquerade") != "false":
            yield f"{name}: it has a way out"
        if not inside and name != "serve":
            yield f"{name}: its networks are not internal"
    made_by_hand = (root / "deploy/README.md").read_text()
    for name, secret in compose["secrets"].items():
        if secret != {"file": f"./secrets/{name}"} or name not in made_by_hand:
            yield f"secret {name}: not a file of ./secrets that README.md says how to make"
    yield from (f"{config['file']} is not there" for config in compose["configs"].values() if not (folder / config["file"]).is_file())
    granted = set(re.findall(r"\w+", "".join(re.findall(r"GRANT DELETE ON (.*) TO", (folder / "grants.sql").read_text()))))
    # what is tried in tests, and what the owner of the tables alone may prune
    queries = "".join(
        path.read_text()
        for path in sorted((root / "src/store/sql").rglob("*.rs"))
        if not {"tests", "mutations.rs"} & set(path.parts)
    )
    deleted = set(re.findall(r"DELETE FROM (\w+)", queries)) - OF_THE_OWNER
    yield from (f"grants.sql lets the servers not delete from {name}" for name in deleted - granted)
    yield from (f"grants.sql lets the servers delete from {name}" for name in OF_THE_OWNER & granted)


def check_service(root: Path, program: Program, name: str, service: dict, compose: dict) -> Iterator[str]:
    """One service of Compose."""
    if service.get("read_only") is not True or service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
        yield "it is not read_only without capabilities and new privileges"
    if "privileged" in service or "cap_add" in service or str(service.get("user", "0")).split(":")[0] in ("0", "root"):
        yield "it runs as root or with more rights"
    if "memory" not in service.get("deploy", {}).get("resources", {}).get("limits", {}):
        yield "its memory has no limit"
    if not any(str(mount).startswith("/tmp:") for mount in service.get("tmpfs", [])):
        yield "/tmp is not writable"
    if any(not str(port).startswith("127.0.0.1:") for port in service.get("ports", [])):
        yield "its port is open to other machines"
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        if source not in compose["volumes"] and not (root / "deploy/compose" / source).is_file():
            yield f"{source} is neither a volume nor a file"
    yield from (f"there is no secret {secret}" for secret in service.get("secrets", []) if secret not in compose["secrets"])
    # what ends by itself has no health
    if service["restart"] != "no" and "test" not in service.get("healthcheck", {}):
        yield "it has no healthcheck"
    if name in SERVICES_OF_OTHERS:
        if not re.fullmatch(r"postgres:\d+-bookworm", service["image"]):
            yield f"{service['image']} is no pinned release of PostgreSQL"
        return
    if service["image"] != f"abstractor:{version(root)}" or service["user"] != f"{USER}:{USER}":
        yield f"it is not abstractor:{version(root)} as {USER}:{USER}"
    environment = service["environment"]
    yield from program.problems(service["command"], set(environment))
    for variable, path in environment.items():
        if path.startswith("/run/secrets/") and path.removeprefix("/run/secrets/") not in service["secrets"]:
            yield f"{variable}: it does not have the secret {path}"
    if "healthcheck" in service and "test" in service["healthcheck"]:
        if service["healthcheck"]["test"] != ["CMD", "abstractor", "health"]:
            yield "its healthcheck is not `abstractor health`"
        # it asks where the variable says, as an option of the command would not be seen
        if any(word.startswith("--listen") for word in service["command"]) or "ABSTRACTOR_LISTEN" not in environment:
            yield "it does not listen where ABSTRACTOR_LISTEN says"
        elif any(port_of(str(port)) != port_of(environment["ABSTRACTOR_LISTEN"]) for port in service.get("ports", [])):
            yield "it does not listen on the port that is published"
    if service["command"][0] in ("serve", "worker"):
        longest = seconds_to_stop(root / "deploy/compose/abstractor.toml", service["command"])
        if int(service["stop_grace_period"].removesuffix("s")) <= longest:
            yield f"stop_grace_period must be more than {longest}s, which a stop may take"
