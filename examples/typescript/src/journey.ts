// The way of a note through Abstractor: posted, extracted, corrected, added to, taken back, reviewed. Every step is one call of client.ts.
// Reads ABSTRACTOR_URL and the tokens SUBMITTER, CODER and ADMIN from the environment.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Abstractor, Problem, type Schemas, verifyWebhook } from "./client.js";

const TEXT = `ASSESSMENT: Type 2 diabetes mellitus and hypertension. No evidence of pneumonia. 😀
MEDICATIONS: Metformin 500 mg p.o. b.i.d.
ALLERGIES: Penicillin (rash).`;

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`set ${name}`);
  return value;
}

const url = variable("ABSTRACTOR_URL");
const submitter = new Abstractor(url, variable("SUBMITTER"));
const coder = new Abstractor(url, variable("CODER"));
const admin = new Abstractor(url, variable("ADMIN"));
const run = randomUUID().slice(0, 8);

/** What this coder says: a code is right; an entry without one is not. */
function decision(entry: Schemas["EntryBody"]): Schemas["DecisionRequest"] {
  return entry.codes.length > 0
    ? { entry_id: entry.id, decision: { action: "accept" } }
    : { entry_id: entry.id, decision: { action: "reject", reason: "not_a_diagnosis" } };
}

const receiver = createServer();
const delivery = once(receiver, "request").then(async ([request, response]) => {
  const body = await text(request);
  response.writeHead(204).end();
  return { headers: request.headers as Record<string, string>, body };
});
receiver.listen(0, "127.0.0.1");
await once(receiver, "listening");
const { secret } = await admin.addDestination({
  name: `typescript-${run}`,
  events: ["extraction.ready"],
  channel: { kind: "webhook", url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/` },
});
assert(secret, "the secret is told when a destination is added");

const note: Schemas["NoteRequest"] = {
  text: TEXT,
  external_id: `visit-${run}`,
  version: "1",
  patient: { id: `MRN-${run}`, sex: "female" },
  encounter: `ENC-${run}`,
  encounter_class: "outpatient",
};
const key = randomUUID();
const first = await submitter.postNote(note, key);
assert.equal((await submitter.postNote(note, key)).id, first.id, "the same key is the same note");
for (const entry of (await submitter.extraction(first.id)).entries) {
  const code = entry.codes[0]?.code ?? "undetermined";
  const words = entry.evidence.map(({ start, end }) => TEXT.slice(start, end)).join(", ");
  console.log(`entry: ${entry.kind} ${code} ${entry.display}: ${entry.assertion ?? entry.status}: ${words}`);
}

const { headers, body } = await delivery;
verifyWebhook(secret, headers, body);
assert.throws(() => verifyWebhook(secret, headers, `${body} `));
console.log("webhook: verified");

const second = await submitter.postNote({ ...note, version: "2", text: `${TEXT}\nShe sleeps well.` }, randomUUID());
await submitter.extraction(second.id);
const [older, newer] = [await submitter.note(first.id), await submitter.note(second.id)];
console.log(`version 1: ${older.standing}, version 2: ${newer.standing}`);

const addendum = await submitter.postNote(
  {
    text: "ADDENDUM: Asthma.",
    external_id: `addendum-${run}`,
    encounter: `ENC-${run}`,
    patient: { id: `MRN-${run}` },
    relates_to: { relation: "appends", external_id: `visit-${run}` },
  },
  randomUUID(),
);
await submitter.extraction(addendum.id);
const itemId = (await submitter.note(addendum.id)).item_id;
assert.equal(itemId, newer.item_id, "an addendum stands beside its note");

const lines = await submitter.postNotes([
  { text: "Gout.", external_id: `bulk-${run}-1` },
  { text: " ", external_id: `bulk-${run}-2` },
  { text: "Migraine.", external_id: `bulk-${run}-3` },
]);
const stored: string[] = [];
for (const line of lines) {
  if ("id" in line) stored.push(line.id);
  console.log(`line ${line.line}: ${"error" in line ? line.error.code : "stored"}`);
}

const [unwanted] = stored;
assert(unwanted, "a line was stored");
assert.deepEqual((await submitter.retract(unwanted)).retracted, [unwanted]);
console.log(`taken back: ${(await submitter.note(unwanted)).standing}`);

const waiting: string[] = [];
for await (const item of coder.items("open")) waiting.push(item.id);
assert(waiting.includes(itemId), "the encounter waits in the queue");
await coder.claim(itemId);
const { item, etag } = await coder.item(itemId);
const decisions = item.entries.filter((entry) => entry.needs_decision).map(decision);
await coder.decide(itemId, decisions, etag);
await coder.decide(itemId, decisions, etag).catch((problem: unknown) => {
  assert(problem instanceof Problem);
  console.log(`decided twice on one reading: ${problem.code}`);
});
await coder.finish(itemId);
console.log(`review: ${decisions.length} decisions, ${(await coder.item(itemId)).item.item.state}`);

receiver.close();
receiver.closeAllConnections();
