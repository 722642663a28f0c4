// A typed client of Abstractor on openapi-fetch. wire.ts holds the types of the API; it is generated from openapi.json (see README.md) and not kept
// here, so it cannot grow old.

import { createHmac, timingSafeEqual } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { components, paths } from "./wire.js";

export type Schemas = components["schemas"];

const TRIES = 5;

/** An answer of 400 and above. Programs go by `code`; the message says what to do. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(`${status} ${code}: ${detail}`);
  }
}

/** What came of a line of `POST /v1/notes/bulk`: an id, or an error. */
export type BulkLine = { line: number } & (
  | { id: string; status: Schemas["NoteStatus"] }
  | { error: { status: number; code: string; detail: string } }
);

/** Every answer that is no success becomes a Problem, so that what a call returns is what was asked for. */
const problems: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    const problem: Schemas["ProblemBody"] = await response.json();
    throw new Problem(problem.status, problem.code, problem.detail);
  },
};

/** Tries again when the server is busy, after the time that it gives. */
async function patientFetch(request: Request): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(request.clone());
    if (response.status !== 503 || attempt === TRIES) return response;
    await setTimeout(1000 * Number(response.headers.get("retry-after") ?? "1"));
  }
}

/** Speaks with one token, and so in one role. */
export class Abstractor {
  readonly #api: Client<paths>;

  constructor(url: string, token: string) {
    this.#api = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${token}` }, fetch: patientFetch });
    this.#api.use(problems);
  }

  /** Stores a note. With the same key the same request can be sent again, whatever became of the first one. */
  async postNote(note: Schemas["NoteRequest"], key: string): Promise<Schemas["NoteAccepted"]> {
    const { data } = await this.#api.POST("/v1/notes", { params: { header: { "Idempotency-Key": key } }, body: note });
    return there(data);
  }

  /** Stores many notes in one request; a line that is refused stops nothing. */
  async postNotes(notes: Schemas["NoteRequest"][]): Promise<BulkLine[]> {
    const { data } = await this.#api.POST("/v1/notes/bulk", {
      body: notes.map((note) => `${JSON.stringify(note)}\n`).join(""),
      bodySerializer: (lines) => lines,
      headers: { "content-type": "application/x-ndjson" },
      parseAs: "text",
    });
    const lines = there(data).split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as BulkLine);
  }

  async note(id: string): Promise<Schemas["NoteBody"]> {
    const { data } = await this.#api.GET("/v1/notes/{id}", { params: { path: { id } } });
    return there(data);
  }

  /** Waits for the extraction; offsets are UTF-16 units, as JavaScript counts. */
  async extraction(id: string, patience = 120_000): Promise<Schemas["Extraction"]> {
    const until = Date.now() + patience;
    for (;;) {
      const { data, response } = await this.#api.GET("/v1/notes/{id}/extraction", {
        params: { path: { id }, query: { offset_unit: "utf16" } },
      });
      const answer = there(data);
      if ("entries" in answer) return answer;
      if (Date.now() > until) throw new Error(`note ${id} is not extracted after ${patience} ms`);
      await setTimeout(1000 * Number(response.headers.get("retry-after") ?? "1"));
    }
  }

  async retract(id: string): Promise<Schemas["RetractionBody"]> {
    const { data } = await this.#api.POST("/v1/notes/{id}/retraction", { params: { path: { id } }, body: {} });
    return there(data);
  }

  /** The queue, oldest first, page by page. */
  async *items(state: Schemas["ItemState"]): AsyncGenerator<Schemas["ItemBody"]> {
    let after: string | null | undefined;
    do {
      const { data } = await this.#api.GET("/v1/review/items", { params: { query: { state, ...(after ? { after } : {}) } } });
      const page = there(data);
      yield* page.items;
      after = page.next;
    } while (after);
  }

  async claim(id: string): Promise<Schemas["Changed"]> {
    const { data } = await this.#api.POST("/v1/review/items/{id}/claim", { params: { path: { id } } });
    return there(data);
  }

  /** The item, and its ETag for decisions. */
  async item(id: string): Promise<{ item: Schemas["ItemDetail"]; etag: string }> {
    const { data, response } = await this.#api.GET("/v1/review/items/{id}", { params: { path: { id } } });
    return { item: there(data), etag: response.headers.get("etag") ?? "" };
  }

  /** Decides on what was read under this ETag: 412 when the item has changed since. */
  async decide(id: string, decisions: Schemas["DecisionRequest"][], etag: string): Promise<Schemas["Changed"]> {
    const { data } = await this.#api.POST("/v1/review/items/{id}/decisions", {
      params: { path: { id }, header: { "If-Match": etag } },
      body: { decisions },
    });
    return there(data);
  }

  async finish(id: string): Promise<Schemas["Changed"]> {
    const { data } = await this.#api.POST("/v1/review/items/{id}/finish", { params: { path: { id } } });
    return there(data);
  }

  async addDestination(destination: Schemas["DestinationRequest"]): Promise<Schemas["DestinationBody"]> {
    const { data } = await this.#api.POST("/v1/destinations", { body: destination });
    return there(data);
  }
}

function there<T>(data: T | undefined): T {
  if (data === undefined) throw new Error("the answer has no body");
  return data;
}

/** Throws unless the delivery is signed with the secret (https://www.standardwebhooks.com) and not older than five minutes. */
export function verifyWebhook(secret: string, headers: Record<string, string>, body: string): void {
  const { "webhook-id": id = "", "webhook-timestamp": timestamp = "", "webhook-signature": signatures = "" } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) throw new Error("the delivery is too old, or the clocks differ");
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest();
  const given = signatures.split(" ").map((signature) => Buffer.from(signature.replace(/^v1,/, ""), "base64"));
  if (!given.some((signature) => signature.length === expected.length && timingSafeEqual(signature, expected))) {
    throw new Error("the signature is not ours");
  }
}
