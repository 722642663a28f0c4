"""A running service on this machine: start to ready, one long note at a time, and the most memory under a mixed load.

    cargo build --release
    python3 eval/benches/serve.py [--program target/release/abstractor] [--seconds 60] [--json]

Starts `abstractor demo` on a folder of its own, once so that the vectors of terms are made and kept, then five times for the start (file
cache warm). Then, on the idle service, `POST /v1/extract` of notes of 800 words one after the other over one connection; then a mixed load for
so many seconds: two clients that extract, two that post notes, one that reads the queue and encounters. Memory is `VmHWM` of the process in /proc.
Figures stand beside the floors of the table in ARCHITECTURE ("Speed"). Needs Linux, and nothing but Python's own library.
"""

import argparse
import http.client
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
STARTS = 5
WORDS = 800
CALLS = 300


def notes(words: int) -> list[str]:
    """Notes of about so many words each, of the lines of the demo's notes."""
    lines = []
    for row in (ROOT / "src/cli/demo_notes.jsonl").read_text().splitlines():
        lines += json.loads(row)["text"].splitlines()
    made, note, count = [], [], 0
    for line in itertools.cycle(lines):
        note.append(line)
        count += len(line.split())
        if count >= words:
            made.append("\n".join(note))
            note, count = [], 0
            if len(made) == 24:
                return made


class Service:
    """A demo server that was started; `seconds` until it was ready."""

    def __init__(self, program: Path, data: Path, log: Path) -> None:
        begun = time.monotonic()
        command = [str(program), "demo", "--json", "--listen", "127.0.0.1:0", "--data", str(data), "--cache", str(data.parent / "cache")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log.open("a"), text=True)
        ready = json.loads(self.process.stdout.readline())
        self.address = urlsplit(ready["url"]).netloc
        self.tokens = ready["tokens"]
        self.connection = http.client.HTTPConnection(self.address, timeout=120)
        status, _ = self.call("GET", "/health/ready", "admin")
        assert status == 200, status
        self.seconds = time.monotonic() - begun

    def call(self, method: str, path: str, role: str, body: dict | None = None, connection=None) -> tuple[int, bytes]:
        connection = connection or self.connection
        headers = {"Authorization": f"Bearer {self.tokens[role]}", "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def peak_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def latency(service: Service) -> list[float]:
    """Milliseconds of each call."""
    texts, took = notes(WORDS), []
    for text in itertools.islice(itertools.cycle(texts), CALLS + len(texts)):
        begun = time.monotonic()
        status, _ = service.call("POST", "/v1/extract", "submitter", {"text": text})
        took.append((time.monotonic() - begun) * 1e3)
        assert status == 200, status
    return took[len(texts) :]


def mixed_load(service: Service, seconds: float) -> dict[str, int]:
    """What was answered, by kind; anything but a success or a full queue ends the run."""
    texts, until = notes(450), time.monotonic() + seconds
    counts, failures = {"extracted": 0, "posted": 0, "read": 0, "busy": 0}, []

    def client(kind: str, first: int) -> None:
        connection = http.client.HTTPConnection(service.address, timeout=120)
        for number in itertools.count(first):
            if time.monotonic() > until or failures:
                return
            text = texts[number % len(texts)]
            if kind == "extracted":
                status, _ = service.call("POST", "/v1/extract", "coder", {"text": text}, connection)
            elif kind == "posted":
                note = {"text": text, "external_id": f"B-{first}-{number}", "encounter": f"B-{first}-{number}", "patient": {"id": f"B-{number}"}}
                status, _ = service.call("POST", "/v1/notes", "submitter", note, connection)
                # as fast as it is taken the queue would only grow
                time.sleep(0.1)
            else:
                status, answer = service.call("GET", "/v1/review/items?limit=50", "coder", None, connection)
                if status == 200 and (items := json.loads(answer)["items"]):
                    status, _ = service.call("GET", f"/v1/review/items/{items[number % len(items)]['id']}", "coder", None, connection)
            if status == 503:
                counts["busy"] += 1
            elif 200 <= status < 300:
                counts[kind] += 1
            else:
                failures.append(f"{kind}: {status}")

    kinds = ["extracted", "extracted", "posted", "posted", "read"]
    threads = [threading.Thread(target=client, args=(kind, 1_000_000 * place)) for place, kind in enumerate(kinds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"not as expected: {failures[0]}")
    return counts


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=Path, default=ROOT / "target/release/abstractor")
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, log = Path(folder) / "data", Path(folder) / "log"
        first = Service(given.program, data, log)
        print("making the vectors of terms ...", file=sys.stderr)
        while "codes are found by meaning" not in log.read_text():
            time.sleep(1)
            assert first.process.poll() is None, log.read_text()
        first.stop()
        starts = []
        for _ in range(STARTS):
            service = Service(given.program, data, log)
            starts.append(service.seconds)
            service.stop()
        service = Service(given.program, data, log)
        # the first look at everything, and the vectors that are read in the background
        time.sleep(5)
        idle = service.peak_megabytes()
        took = latency(service)
        counts = mixed_load(service, given.seconds)
        peak = service.peak_megabytes()
        service.stop()
    cut = quantiles(took, n=100, method="inclusive")
    report = {
        "start_seconds": round(median(starts), 3),
        "idle_megabytes": round(idle),
        "latency": {"words": WORDS, "runs": len(took), "median_milliseconds": round(cut[49], 1), "p99_milliseconds": round(cut[98], 1)},
        "load": {"seconds": given.seconds, **counts},
        "peak_megabytes": round(peak),
    }
    if given.json:
        print(json.dumps(report))
        return
    print(f"start to ready     {report['start_seconds']:.2f} s, median of {STARTS} (floor 3)")
    print(f"one note at a time {cut[49]:.0f} ms median, {cut[98]:.0f} ms p99 for {WORDS} words, {len(took)} calls (floor 120)")
    print(f"memory             {idle:.0f} MB when started, {peak:.0f} MB at most (floor 1,200)")
    print(f"mixed load         {given.seconds:.0f} s: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))


if __name__ == "__main__":
    main()
