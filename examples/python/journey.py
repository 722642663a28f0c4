"""The way of a note through Abstractor: posted, extracted, corrected, added to, taken back, reviewed. Every step is one call of client.py.

Reads ABSTRACTOR_URL and the tokens SUBMITTER, CODER and ADMIN from the environment.
"""

from __future__ import annotations

import os
import queue
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

import wire
from client import Client, Problem, verify_webhook

TEXT = """ASSESSMENT: Type 2 diabetes mellitus and hypertension. No evidence of pneumonia. 😀
MEDICATIONS: Metformin 500 mg p.o. b.i.d.
ALLERGIES: Penicillin (rash)."""


class Receiver(BaseHTTPRequestHandler):
    """Takes deliveries; whoever waits for them verifies them."""

    received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.put(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def decision(entry: wire.EntryBody) -> wire.DecisionRequest:
    """What this coder says: a code is right; an entry without one is not."""
    if entry["codes"]:
        return {"entry_id": entry["id"], "decision": {"action": "accept"}}
    return {"entry_id": entry["id"], "decision": {"action": "reject", "reason": "not_a_diagnosis"}}


def main() -> None:
    url = os.environ["ABSTRACTOR_URL"]
    submitter = Client(url, os.environ["SUBMITTER"])
    coder = Client(url, os.environ["CODER"])
    admin = Client(url, os.environ["ADMIN"])
    run = uuid.uuid4().hex[:8]

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    hook: wire.DestinationRequest = {
        "name": f"python-{run}",
        "events": ["extraction.ready"],
        "channel": {"kind": "webhook", "url": f"http://127.0.0.1:{receiver.server_port}/"},
    }
    secret = admin.add_destination(hook).get("secret")
    assert secret is not None, "the secret is told when a destination is added"

    note: wire.NoteRequest = {
        "text": TEXT,
        "external_id": f"visit-{run}",
        "version": "1",
        "patient": {"id": f"MRN-{run}", "sex": "female"},
        "encounter": f"ENC-{run}",
        "encounter_class": "outpatient",
    }
    key = str(uuid.uuid4())
    first = submitter.post_note(note, key)
    assert submitter.post_note(note, key)["id"] == first["id"], "the same key is the same note"
    for entry in submitter.extraction(first["id"])["entries"]:
        code = entry["codes"][0]["code"] if entry["codes"] else "undetermined"
        words = ", ".join(TEXT[one["start"] : one["end"]] for one in entry["evidence"])
        print(f"entry: {entry['kind']} {code} {entry['display']}: {entry.get('assertion') or entry.get('status')}: {words}")

    headers, body = Receiver.received.get(timeout=60)
    verify_webhook(secret, headers, body)
    try:
        verify_webhook(secret, headers, body + b" ")
    except ValueError:
        print("webhook: verified")

    second = submitter.post_note({**note, "version": "2", "text": TEXT + "\nShe sleeps well."}, str(uuid.uuid4()))
    submitter.extraction(second["id"])
    print(f"version 1: {submitter.note(first['id'])['standing']}, version 2: {submitter.note(second['id'])['standing']}")

    addendum: wire.NoteRequest = {
        "text": "ADDENDUM: Asthma.",
        "external_id": f"addendum-{run}",
        "encounter": f"ENC-{run}",
        "patient": {"id": f"MRN-{run}"},
        "relates_to": {"relation": "appends", "external_id": f"visit-{run}"},
    }
    added = submitter.post_note(addendum, str(uuid.uuid4()))
    submitter.extraction(added["id"])
    item_id = submitter.note(added["id"])["item_id"]
    assert item_id == submitter.note(second["id"])["item_id"], "an addendum stands beside its note"

    many: list[wire.NoteRequest] = [
        {"text": "Gout.", "external_id": f"bulk-{run}-1"},
        {"text": " ", "external_id": f"bulk-{run}-2"},
        {"text": "Migraine.", "external_id": f"bulk-{run}-3"},
    ]
    stored = []
    for line in submitter.post_notes(many):
        if "id" in line:
            stored.append(line["id"])
        print(f"line {line['line']}: {line['error']['code'] if 'error' in line else 'stored'}")

    assert submitter.retract(stored[0])["retracted"] == [stored[0]]
    print(f"taken back: {submitter.note(stored[0])['standing']}")

    assert item_id in [item["id"] for item in coder.items("open")], "the encounter waits in the queue"
    coder.claim(item_id)
    item, etag = coder.item(item_id)
    decisions = [decision(entry) for entry in item["entries"] if entry["needs_decision"]]
    coder.decide(item_id, decisions, etag)
    try:
        coder.decide(item_id, decisions, etag)
    except Problem as problem:
        print(f"decided twice on one reading: {problem.code}")
    coder.finish(item_id)
    print(f"review: {len(decisions)} decisions, {coder.item(item_id)[0]['item']['state']}")


if __name__ == "__main__":
    main()
