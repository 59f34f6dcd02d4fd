/** Streams against a model: any sequence of creations, appends, closings, forks, removals and restarts. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createStreams, memoryStore, type Streams } from "../../src/index.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { settings } from "./settings.ts";

const PATHS = ["a", "b", "dir/c"] as const;
const TEXT = "text/plain";
const JSON_TYPE = "application/json";

type Stamp = readonly [id: string, epoch: number, seq: number];

/** A request, or a restart. */
type Step =
  | {
      readonly do: "put";
      readonly path: string;
      readonly type: string;
      readonly body: number;
      readonly closes: boolean;
    }
  | {
      readonly do: "post";
      readonly path: string;
      readonly type: string;
      readonly body: number;
      readonly closes: boolean;
      readonly stamp: Stamp | undefined;
    }
  | { readonly do: "raw"; readonly path: string; readonly body: number }
  | { readonly do: "delete"; readonly path: string }
  | { readonly do: "fork"; readonly path: string; readonly source: string }
  | { readonly do: "restart" };

/** What the model knows of a stream. */
interface Known {
  type: string;
  /** The messages or texts that are stored. */
  stored: number[];
  closedBy: Stamp | true | undefined;
  readonly producers: Map<string, { epoch: number; seq: number }>;
  readonly fork: string | undefined;
  isGone: boolean;
}

class Model {
  readonly streams = new Map<string, Known>();

  /** The status that a step is to be answered with. Undefined if it is to be left out. */
  expect(step: Step): number | undefined {
    switch (step.do) {
      case "put":
        return this.#put(step);
      case "post":
        return this.#post(step);
      case "raw":
        return this.#raw(step);
      case "delete":
        return this.#delete(step.path);
      case "fork":
        return this.#fork(step);
      default:
        return undefined;
    }
  }

  #put({ path, type, body, closes }: Step & { do: "put" }): number {
    const known = this.streams.get(path);
    if (known?.isGone) return 409;
    if (known) {
      const isSame = known.type === type && known.fork === undefined && (known.closedBy !== undefined) === closes;
      return isSame ? 200 : 409;
    }
    this.#make(path, { type, stored: body === 0 ? [] : [body], fork: undefined, closedBy: closes || undefined });
    return 201;
  }

  #make(path: string, made: Pick<Known, "type" | "stored" | "fork" | "closedBy">): void {
    this.streams.set(path, { ...made, producers: new Map(), isGone: false });
  }

  #post({ path, type, body, closes, stamp }: Step & { do: "post" }): number {
    const known = this.streams.get(path);
    if (!known) return 404;
    if (known.isGone) return 410;
    if (body === 0 && !closes) return 400;
    if (known.closedBy !== undefined) {
      const isRepeated = stamp ? String(known.closedBy) === String(stamp) : closes && body === 0;
      return isRepeated ? 204 : 409;
    }
    if (body !== 0 && known.type !== type) return 409;
    const refused = stamp && judge(known.producers.get(stamp[0]), stamp);
    if (refused) return refused;
    if (body !== 0) known.stored.push(body);
    if (stamp) known.producers.set(stamp[0], { epoch: stamp[1], seq: stamp[2] });
    if (closes) known.closedBy = stamp ?? true;
    return stamp && body !== 0 ? 200 : 204;
  }

  #raw({ path, body }: Step & { do: "raw" }): number | undefined {
    const known = this.streams.get(path);
    // It would make a plain file.
    if (!known) return undefined;
    if (known.isGone) return 410;
    if (known.closedBy !== undefined) return 409;
    known.stored.push(body);
    return 200;
  }

  #fork({ path, source }: Step & { do: "fork" }): number {
    const known = this.streams.get(path);
    if (known?.isGone) return 409;
    if (known) return known.fork === source && known.closedBy === undefined ? 200 : 409;
    const from = this.streams.get(source);
    if (!from) return 404;
    if (from.isGone) return 409;
    this.#make(path, { type: from.type, stored: [...from.stored], fork: source, closedBy: undefined });
    return 201;
  }

  #delete(path: string): number {
    const known = this.streams.get(path);
    if (!known) return 404;
    if (known.isGone) return 410;
    this.#remove(path, known);
    return 204;
  }

  #remove(path: string, known: Known): void {
    if ([...this.streams.values()].some(({ fork }) => fork === path)) {
      known.isGone = true;
      return;
    }
    this.streams.delete(path);
    const source = known.fork === undefined ? undefined : this.streams.get(known.fork);
    if (known.fork !== undefined && source?.isGone) this.#remove(known.fork, source);
  }
}

/** The status for a producer's append that stores nothing; undefined if it is stored. */
function judge(last: { epoch: number; seq: number } | undefined, [, epoch, seq]: Stamp): number | undefined {
  if (last && epoch < last.epoch) return 403;
  if (last && epoch > last.epoch && seq !== 0) return 400;
  if (last?.epoch === epoch && seq <= last.seq) return 204;
  const expected = last?.epoch === epoch ? last.seq + 1 : 0;
  return seq === expected ? undefined : 409;
}

/** What a server stores for a body of the model. */
function bodyOf(type: string, body: number): string {
  if (body === 0) return "";
  return type === JSON_TYPE ? `[{"n": ${body}}]` : `${body};`;
}

function read({ type, stored }: Known): string {
  if (type === JSON_TYPE) return JSON.stringify(stored.map((n) => ({ n })));
  return stored.map((n) => `${n};`).join("");
}

async function send({ app }: Streams, step: Exclude<Step, { do: "restart" }>, type?: string): Promise<number> {
  const headers: Record<string, string> = { Host: "localhost" };
  let [method, query, body] = ["POST", "", ""];
  if (step.do === "put" || step.do === "post") {
    method = step.do.toUpperCase();
    headers["Content-Type"] = step.type;
    body = bodyOf(step.type, step.body);
    if (step.closes) headers["Stream-Closed"] = "true";
  }
  if (step.do === "post" && step.stamp) {
    const [id, epoch, seq] = step.stamp;
    Object.assign(headers, { "Producer-Id": id, "Producer-Epoch": `${epoch}`, "Producer-Seq": `${seq}` });
  }
  if (step.do === "raw") {
    query = "?verb=APPEND";
    body = type === JSON_TYPE ? `{"n":${step.body}}\n` : bodyOf(TEXT, step.body);
  }
  if (step.do === "fork") [method, headers["Stream-Forked-From"]] = ["PUT", `/${step.source}`];
  if (step.do === "delete") method = "DELETE";
  const init = { method, headers, ...(body !== "" && { body }) };
  return (await app.request(`http://localhost/${step.path}${query}`, init)).status;
}

const path = fc.constantFrom(...PATHS);
const type = fc.constantFrom(TEXT, JSON_TYPE);
const closes = fc.constantFrom(false, false, false, true);
const body = fc.nat({ max: 9 });
const number = fc.nat({ max: 3 });
const stamp = fc.option(fc.tuple(fc.constantFrom("p", "q"), fc.nat({ max: 1 }), number), { nil: undefined });
const post = fc.record({ do: fc.constant("post" as const), path, type, body, closes, stamp });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("put" as const), path, type, body, closes }) },
  { weight: 8, arbitrary: post },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("raw" as const), path, body: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fork" as const), path, source: path }) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
);
const steps = fc.array(step, { maxLength: 40 });

/** Runs steps on a server and on the model, and compares every answer and all that is stored. */
async function run(all: readonly Step[], open: () => Streams, keeps: boolean): Promise<void> {
  let streams = open();
  const model = new Model();
  try {
    for (const one of all) {
      if (one.do === "restart") {
        if (!keeps) continue;
        await streams.shutdown();
        streams = open();
        continue;
      }
      const before = model.streams.get(one.path)?.type;
      const want = model.expect(one);
      if (want !== undefined) assert.equal(await send(streams, one, before), want, JSON.stringify(one));
    }
    for (const each of PATHS) {
      const known = model.streams.get(each);
      const response = await streams.app.request(`http://localhost/${each}`, { headers: { Host: "localhost" } });
      assert.equal(response.status, known ? (known.isGone ? 410 : 200) : 404, each);
      if (!known || known.isGone) continue;
      assert.equal(await response.text(), read(known), each);
      assert.equal(response.headers.get("stream-closed"), known.closedBy === undefined ? null : "true", each);
    }
  } finally {
    await streams.shutdown();
  }
}

describe("streams behave as the model says", () => {
  it("in memory", async () => {
    const property = fc.asyncProperty(steps, (all) => run(all, () => createStreams({ store: memoryStore() }), false));
    await fc.assert(property, settings(150));
  });

  it("in files, over restarts", async () => {
    const property = fc.asyncProperty(steps, async (all) => {
      const root = await temporaryFolder("model");
      try {
        await run(all, () => createStreams({ root }), true);
      } finally {
        await removeFolder(root);
      }
    });
    await fc.assert(property, settings(40));
  });
});
