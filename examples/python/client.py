"""A typed client of Abstractor that needs the standard library only.

`wire.py` holds the types of the API. It is generated from `openapi.json` (see README.md) and not kept here, so it cannot grow old.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NotRequired, TypedDict

import wire

TRIES = 5


class BulkError(TypedDict):
    """Why a line was refused."""

    status: int
    code: str
    detail: str


class BulkLine(TypedDict):
    """What came of a line of `POST /v1/notes/bulk`: an id, or an error."""

    line: int
    id: NotRequired[str]
    status: NotRequired[wire.NoteStatus]
    error: NotRequired[BulkError]


class Problem(Exception):
    """An answer of 400 and above. Programs go by `code`; `detail` says what to do."""

    def __init__(self, problem: wire.ProblemBody) -> None:
        super().__init__(f"{problem['status']} {problem['code']}: {problem['detail']}")
        self.status = problem["status"]
        self.code = problem["code"]


class Answer:
    """Status, headers and body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Speaks with one token, and so in one role."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def post_note(self, note: wire.NoteRequest, key: str) -> wire.NoteAccepted:
        """Stores a note. With the same key the same request can be sent again, whatever became of the first one."""
        accepted: wire.NoteAccepted = self._send("POST", "/v1/notes", note, {"Idempotency-Key": key}).json()
        return accepted

    def post_notes(self, notes: Iterable[wire.NoteRequest]) -> Iterator[BulkLine]:
        """Stores many notes in one request; a line that is refused stops nothing."""
        lines = "".join(json.dumps(note) + "\n" for note in notes).encode()
        answer = self._send("POST", "/v1/notes/bulk", lines, {"Content-Type": "application/x-ndjson"})
        for line in answer.body.splitlines():
            result: BulkLine = json.loads(line)
            yield result

    def note(self, note_id: str) -> wire.NoteBody:
        note: wire.NoteBody = self._send("GET", f"/v1/notes/{note_id}").json()
        return note

    def extraction(self, note_id: str, patience: float = 120.0) -> wire.Extraction:
        """Waits for the extraction; offsets are code points, as Python counts."""
        until = time.monotonic() + patience
        while True:
            answer = self._send("GET", f"/v1/notes/{note_id}/extraction?offset_unit=codepoint")
            if answer.status == 200:
                extraction: wire.Extraction = answer.json()
                return extraction
            if time.monotonic() > until:
                raise TimeoutError(f"note {note_id} is not extracted after {patience} s")
            time.sleep(float(answer.headers.get("Retry-After", "1")))

    def retract(self, note_id: str) -> wire.RetractionBody:
        retraction: wire.RetractionRequest = {}
        retracted: wire.RetractionBody = self._send("POST", f"/v1/notes/{note_id}/retraction", retraction).json()
        return retracted

    def items(self, state: wire.ItemState) -> Iterator[wire.ItemBody]:
        """The queue, oldest first, page by page."""
        query = {"state": state, "limit": "50"}
        while True:
            page: wire.ItemPage = self._send("GET", f"/v1/review/items?{urllib.parse.urlencode(query)}").json()
            yield from page["items"]
            after = page.get("next")
            if after is None:
                return
            query["after"] = after

    def claim(self, item_id: str) -> wire.Changed:
        changed: wire.Changed = self._send("POST", f"/v1/review/items/{item_id}/claim").json()
        return changed

    def item(self, item_id: str) -> tuple[wire.ItemDetail, str]:
        """The item, and its ETag for decisions."""
        answer = self._send("GET", f"/v1/review/items/{item_id}")
        item: wire.ItemDetail = answer.json()
        return item, answer.headers["ETag"]

    def decide(self, item_id: str, decisions: list[wire.DecisionRequest], etag: str) -> wire.Changed:
        """Decides on what was read under this ETag: 412 when the item has changed since."""
        body: wire.DecisionsRequest = {"decisions": decisions}
        path = f"/v1/review/items/{item_id}/decisions"
        changed: wire.Changed = self._send("POST", path, body, {"If-Match": etag}).json()
        return changed

    def finish(self, item_id: str) -> wire.Changed:
        changed: wire.Changed = self._send("POST", f"/v1/review/items/{item_id}/finish").json()
        return changed

    def add_destination(self, destination: wire.DestinationRequest) -> wire.DestinationBody:
        added: wire.DestinationBody = self._send("POST", "/v1/destinations", destination).json()
        return added

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Tries again when the server is busy, after the time that it gives."""
        sent = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **(headers or {})}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data=data, headers=sent, method=method)
        for attempt in range(1, TRIES + 1):
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return Answer(response.status, response.headers, response.read())
            except urllib.error.HTTPError as error:
                if error.code != 503 or attempt == TRIES:
                    raise Problem(json.load(error)) from None
                time.sleep(float(error.headers.get("Retry-After", "1")))
        raise AssertionError("every try returns or raises")


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises ValueError unless the delivery is signed with the secret and not older than five minutes.

    This is what https://www.standardwebhooks.com asks for; its libraries do the same.
    """
    timestamp = headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        raise ValueError("the delivery is too old, or the clocks differ")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [signature.removeprefix("v1,") for signature in headers["webhook-signature"].split()]
    if not any(hmac.compare_digest(expected, signature) for signature in given):
        raise ValueError("the signature is not ours")
