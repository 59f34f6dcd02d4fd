/**
 * What the client of the package `@durable-streams/client` does with this project's server behind a proxy that inflicts
 * faults: each fault strikes each operation that it can strike. Runs on all runtimes, so it uses nothing of one. Each
 * scenario gets the URL of a folder.
 */
import {
  DurableStream,
  IdempotentProducer,
  type JsonBatch,
  type StreamResponse,
  stream,
} from "@durable-streams/client";
import { CONTROL_PATH, type Fault } from "../fixture/faults.ts";
import { within } from "../fixture/until.ts";

type Scenario = (folder: string) => Promise<void>;

/** What a fault does, whatever path it is for. */
type Strike = Omit<Fault, "path" | "method" | "live">;

/** How many errors the client reports because of a strike, and otherwise repeats requests without a word. */
interface Row {
  readonly strike: Strike;
  readonly errors: number;
  readonly operations: readonly (keyof typeof OPERATIONS)[];
}

const JSON_TYPE = "application/json";
const MESSAGES = [0, 1, 2, 3, 4, 5];
/** Most attempts to read one stream. */
const ATTEMPTS = 5;
/** Soon, because nothing else is tested by waiting. */
const backoffOptions = { initialDelay: 20, maxDelay: 100, multiplier: 1.3 };

let paths = 0;

/** A stream that a fault will strike. */
class Target {
  readonly url: string;
  readonly handle: DurableStream;

  constructor(folder: string) {
    this.url = `${folder}/${Math.random().toString(36).slice(2)}/${paths++}`;
    this.handle = new DurableStream({ url: this.url, contentType: JSON_TYPE, backoffOptions });
  }

  async strike(fault: Strike & Pick<Fault, "method" | "live">): Promise<void> {
    const body = JSON.stringify({ ...fault, path: new URL(this.url).pathname });
    await fetch(new URL(CONTROL_PATH, this.url), { method: "POST", body });
  }

  /** Expects that no strike is left. */
  async expectStruck(): Promise<void> {
    const left = (await (await fetch(new URL(CONTROL_PATH, this.url))).json()) as string[];
    if (left.includes(new URL(this.url).pathname)) throw new Error("The fault has struck too seldom.");
  }

  /** Expects that the server has these messages. */
  async expectStored(messages: readonly number[]): Promise<void> {
    expectEqual(await (await fetch(this.url)).json(), messages);
  }
}

/** Each operation runs under a fault. It returns the errors that the client reports. */
const OPERATIONS = {
  async create(target: Target, strike: Strike): Promise<unknown[]> {
    await target.strike({ ...strike, method: "PUT" });
    await target.handle.create({ body: "[0, 1]" });
    await target.expectStored([0, 1]);
    return [];
  },

  async append(target: Target, strike: Strike): Promise<unknown[]> {
    await target.handle.create();
    await target.strike({ ...strike, method: "POST" });
    for (const n of MESSAGES) await target.handle.append(JSON.stringify(n));
    await target.expectStored(MESSAGES);
    return [];
  },

  async produce(target: Target, strike: Strike): Promise<unknown[]> {
    await target.handle.create();
    await target.strike({ ...strike, method: "POST" });
    const { producer, errors } = producerOf(target);
    for (const n of MESSAGES) {
      producer.append(JSON.stringify(n));
      // In requests of their own, two of them at once.
      if (n % 2 === 1) await producer.flush();
    }
    await producer.detach();
    await target.expectStored(MESSAGES);
    return errors;
  },

  async close(target: Target, strike: Strike): Promise<unknown[]> {
    await target.handle.create({ body: "[0]" });
    await target.strike({ ...strike, method: "POST" });
    const { producer, errors } = producerOf(target);
    await producer.close("1");
    await target.expectStored([0, 1]);
    expectEqual((await fetch(target.url, { method: "HEAD" })).headers.get("stream-closed"), "true");
    return errors;
  },

  async read(target: Target, strike: Strike): Promise<unknown[]> {
    await target.handle.create({ body: JSON.stringify(MESSAGES), closed: true });
    await target.strike({ ...strike, method: "GET" });
    const arrivals = new Arrivals();
    const errors = await follow(target.url, false, arrivals);
    expectEqual(arrivals.items, MESSAGES);
    return errors;
  },

  "long-poll": (target: Target, strike: Strike) => readLive(target, strike, "long-poll"),
  sse: (target: Target, strike: Strike) => readLive(target, strike, "sse"),
};

const ALL = Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[];
/** Those that may be repeated although the server has done them. */
const REPEATABLE = ALL.filter((operation) => operation !== "append");

const FAULTS: Readonly<Record<string, Row>> = {
  "two failures of the server": { strike: { status: 500, count: 2 }, errors: 0, operations: ALL },
  "too many requests, for a second": { strike: { status: 429, retryAfter: 1 }, errors: 0, operations: ALL },
  "a failure after a delay": { strike: { status: 503, delayMs: 30, jitterMs: 30 }, errors: 0, operations: ALL },
  "two requests that get lost": { strike: { dropConnection: true, count: 2 }, errors: 0, operations: ALL },
  "two answers that get lost": { strike: { dropAnswer: true, count: 2 }, errors: 0, operations: REPEATABLE },
  "a delay": { strike: { delayMs: 100, jitterMs: 50 }, errors: 0, operations: ALL },
  "a corrupt body": { strike: { corruptBody: true }, errors: 1, operations: ["read", "long-poll"] },
  ...rows("a body that ends after", [1, 2], ["read", "long-poll"], (bytes) => ({ truncateBodyBytes: bytes })),
  ...rows("a connection that ends after", [0, 1, 2], ["read", "long-poll"], (bytes) => ({ cutBodyBytes: bytes })),
  // Within the first control event and behind it; within an event of data, and between that and its control event.
  ...rows("a connection that ends after", [5, 100, 125, 140, 150, 165], ["sse"], (bytes) => ({ cutBodyBytes: bytes })),
  "an unknown event": { strike: event("news", '{"streamNextOffset":"9"}'), errors: 0, operations: ["sse"] },
  "a broken control event": { strike: event("control", "{"), errors: 1, operations: ["sse"] },
  "an empty control event": { strike: event("control", ""), errors: 1, operations: ["sse"] },
};

function event(eventType: string, data: string): Strike {
  return { injectSseEvent: { eventType, data } };
}

function rows(
  name: string,
  sizes: readonly number[],
  operations: Row["operations"],
  strike: (bytes: number) => Strike,
): Record<string, Row> {
  return Object.fromEntries(
    sizes.map((bytes) => [`${name} ${bytes} bytes`, { strike: strike(bytes), errors: 1, operations }]),
  );
}

/** A producer that repeats requests which fail, as each program must. */
function producerOf({ handle }: Target): { producer: IdempotentProducer; errors: unknown[] } {
  const errors: unknown[] = [];
  const repeating = async (...request: Parameters<typeof fetch>): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(...request).catch((error: unknown) => {
        if (attempt === ATTEMPTS) throw error;
      });
      if (response && response.status < 500 && response.status !== 429) return response;
      await new Promise((resolve) => setTimeout(resolve, backoffOptions.initialDelay));
    }
  };
  const onError = (error: unknown): void => {
    errors.push(error);
  };
  const options = { fetch: repeating as typeof fetch, maxInFlight: 2, lingerMs: 0, onError };
  return { producer: new IdempotentProducer(handle, "p", options), errors };
}

/** What has arrived at a reader. */
class Arrivals {
  readonly items: unknown[] = [];
  #isOpen = false;
  #waiting: (() => void)[] = [];

  /** Notes that the answer to a live request has begun. */
  opened(): void {
    this.#isOpen = true;
    this.#tell();
  }

  add(items: readonly unknown[]): void {
    this.items.push(...items);
    this.#tell();
  }

  /** Waits for the answer to a live request, which server-sent events begin with. */
  async open(): Promise<void> {
    while (!this.#isOpen) await this.#next();
  }

  async atLeast(count: number): Promise<void> {
    while (this.items.length < count) await this.#next();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

async function readLive(target: Target, strike: Strike, live: "sse" | "long-poll"): Promise<unknown[]> {
  await target.handle.create({ body: "[0]" });
  await target.strike({ ...strike, live });
  const arrivals = new Arrivals();
  const reading = follow(target.url, live, arrivals);
  // What comes now is not in the answer to the first request, which is not a live one. Each message is in an answer, or an
  // event, of its own: otherwise it would depend on time what a fault strikes.
  await Promise.race([live === "sse" ? arrivals.open() : arrivals.atLeast(1), reading]);
  for (const n of MESSAGES.slice(1, -1)) {
    await target.handle.append(JSON.stringify(n));
    await Promise.race([arrivals.atLeast(n + 1), reading]);
  }
  await target.handle.close({ body: JSON.stringify(MESSAGES.at(-1)) });
  const errors = await reading;
  expectEqual(arrivals.items, MESSAGES);
  return errors;
}

/** Reads a stream to its end. After an error it continues behind the last batch, as each program must. Returns the errors. */
async function follow(
  url: string,
  live: "sse" | "long-poll" | false,
  arrivals: Arrivals = new Arrivals(),
): Promise<unknown[]> {
  const errors: unknown[] = [];
  let offset = "-1";
  let isClosed = false;
  const take = (batch: Pick<JsonBatch, "items" | "offset">): void => {
    offset = batch.offset;
    arrivals.add(batch.items);
  };
  const observed = async (...request: Parameters<typeof fetch>): Promise<Response> => {
    const response = await fetch(...request);
    if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) arrivals.opened();
    return response;
  };
  const options = { url, live, json: true, backoffOptions, fetch: observed as typeof fetch };
  while (!isClosed && errors.length < ATTEMPTS) {
    try {
      const response = await stream({ ...options, offset });
      if (live) await untilClosed(response, take);
      else take({ items: await response.json(), offset: response.offset });
      isClosed = response.streamClosed;
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

/**
 * Takes all batches. The client may call the stream closed before it has passed on the last of them, and may say so with the
 * one before it.
 */
async function untilClosed(response: StreamResponse, take: (batch: JsonBatch) => void): Promise<void> {
  const whole = new Promise<void>((resolve) => {
    response.subscribeJson((batch) => {
      take(batch);
      if (batch.streamClosed && response.offset === batch.offset) resolve();
    });
  });
  const ended = Promise.race([whole, response.closed.then(() => whole)]);
  await within(ended, "the last batch, or an error");
}

function expectEqual(actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`It is ${found?.slice(0, 500)}, not ${wanted?.slice(0, 500)}.`);
}

/** All scenarios. They are independent of each other, and may run at once. */
export const FAULT_SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Object.entries(FAULTS).flatMap(([fault, { strike, errors, operations }]) =>
    operations.map((operation) => [
      `${operation}: ${fault}`,
      async (folder: string) => {
        const target = new Target(folder);
        const reported = await OPERATIONS[operation](target, strike);
        await target.expectStruck();
        if (reported.length !== errors) throw new Error(`The client reported ${reported.length} errors: ${reported}`);
      },
    ]),
  ),
);
