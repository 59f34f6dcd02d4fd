/** Permissions that end while their request waits: for its body, for data, for its turn or for the store. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FstreamOptions, memoryStore, type Store, type Streams } from "../../src/index.ts";
import { expectStatus, openBody, rig, send } from "../durable/app.ts";
import { JSON_TYPE, TEXT } from "../durable/streams.ts";
import { until, within } from "../fixture/until.ts";
import { ahead } from "./tokens.ts";

const HOUR_MS = 3_600_000;

/** Milliseconds that a permission lasts which a test waits for. */
const BRIEF_MS = 300;

/**
 * Streams whose gate gives each request with the header `Lasts` so many milliseconds.
 *
 * @param asked Called when it is asked about such a request.
 */
function gated(options: FstreamOptions = {}, asked: () => void = () => {}): Streams {
  return rig({
    authorize: ({ c }) => {
      const lastsMs = c.req.header("Lasts");
      if (lastsMs !== undefined) asked();
      return { allow: true, ...(lastsMs !== undefined && { expiresAtMs: Date.now() + Number(lastsMs) }) };
    },
    ...options,
  });
}

const BRIEF = { Lasts: String(BRIEF_MS) };
const AN_HOUR = { Lasts: String(HOUR_MS) };

async function expectEnded(answer: Promise<Response>): Promise<void> {
  const response = await within(answer, "the answer at the end of the permission");
  const text = await response.text();
  assert.equal(response.status, 401, text);
  assert.match(text, /^The permission for .* has ended\./);
  assert.match(response.headers.get("WWW-Authenticate") ?? "", /error="invalid_token"/);
}

describe("a permission that ends while a body is on its way", () => {
  for (const method of ["PUT", "POST"] as const) {
    for (const length of [undefined, "100", "100000"]) {
      it(`answers a ${method} with 401 at once, and stores nothing: Content-Length ${length}`, async () => {
        const streams = gated();
        if (method === "POST") await expectStatus(201, streams, "PUT", "a", TEXT);
        const { body } = openBody("some");
        const headers = { ...TEXT, ...BRIEF, ...(length !== undefined && { "Content-Length": length }) };
        await expectEnded(send(streams, method, "a", headers, body));
        const stored = await send(streams, "GET", "a");
        assert.deepEqual(
          [stored.status, method === "POST" && (await stored.text())],
          method === "POST" ? [200, ""] : [404, false],
        );
      });
    }

    it(`answers a ${method} with 401 whose body ends before a timer could tell`, async () => {
      const streams = gated();
      if (method === "POST") await expectStatus(201, streams, "PUT", "a", TEXT);
      let isAsked: () => void = () => {};
      const asked = new Promise<void>((resolve) => {
        isAsked = resolve;
      });
      let end: () => void = () => {};
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            isAsked();
            end = () => {
              controller.enqueue(Buffer.from("late"));
              controller.close();
            };
            return new Promise(() => {});
          },
        },
        { highWaterMark: 0 },
      );
      const answer = send(streams, method, "a", { ...TEXT, ...AN_HOUR }, body);
      await within(asked, "the body to be read");
      await ahead(HOUR_MS, async () => {
        end();
        await expectEnded(answer);
      });
    });
  }

  it("answers a request for a subscription with 401", async () => {
    const streams = gated({ webhooks: true });
    const { body } = openBody("{");
    await expectEnded(send(streams, "PUT", "__ds/subscriptions/s", { ...JSON_TYPE, ...BRIEF }, body));
  });

  it("answers a POST with 401 that has waited for the appender of its path", async () => {
    let isAsked: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const streams = gated({}, () => isAsked());
    await expectStatus(201, streams, "PUT", "a", TEXT);
    const { body, end } = openBody("raw ");
    const raw = send(streams, "POST", "a?verb=APPEND", TEXT, body);
    await until("the append to begin", async () => (await (await send(streams, "GET", "a")).text()) === "raw ");
    const waits = send(streams, "POST", "a", { ...TEXT, ...AN_HOUR }, "late");
    await within(asked, "the gate to be asked");
    // Nothing tells that it waits now; everything before takes a few turns of the event loop.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    await ahead(HOUR_MS, async () => {
      end();
      await raw;
      await expectEnded(waits);
    });
    assert.equal(await (await send(streams, "GET", "a")).text(), "raw ");
  });

  it("is not prolonged by the permission for the source of a fork", async () => {
    const streams = rig({
      authorize: ({ path }) => ({
        allow: true,
        expiresAtMs: Date.now() + (path === "fork" ? BRIEF_MS : HOUR_MS),
      }),
    });
    await expectStatus(201, streams, "PUT", "source", TEXT);
    const { body } = openBody("some");
    const headers = { ...TEXT, "Stream-Forked-From": "/source" };
    await expectEnded(send(streams, "PUT", "fork", headers, body));
  });
});

describe("a permission that ends while a read waits", () => {
  for (const [name, type] of [
    ["text", TEXT],
    ["messages", JSON_TYPE],
  ] as const) {
    it(`ends a long-poll with 401: ${name}`, async () => {
      const streams = gated();
      await expectStatus(201, streams, "PUT", "a", type);
      await expectEnded(send(streams, "GET", "a?live=long-poll&offset=0", BRIEF));
    });

    it(`does not tell a long-poll what comes after its end: ${name}`, async () => {
      const { store, held } = slowStore();
      const streams = gated({ store }, () => held.begin());
      await expectStatus(201, streams, "PUT", "a", type);
      const poll = send(streams, "GET", "a?live=long-poll&offset=0", AN_HOUR);
      await within(held.asked, "the store to be asked");
      await ahead(HOUR_MS, async () => {
        held.clear();
        await expectStatus(204, streams, "POST", "a", type, '"new"');
        await expectEnded(poll);
      });
    });
  }

  for (const [target, type, headers] of [
    ["a", TEXT, {}],
    ["a", TEXT, { "If-None-Match": "*" }],
    ["a?offset=0", JSON_TYPE, {}],
    ["a?offset=-1", TEXT, {}],
    ["a?live=sse&offset=-1", TEXT, {}],
    ["a?live=sse&offset=-1", JSON_TYPE, {}],
    ["a?verb=FOLLOW", TEXT, {}],
    ["", TEXT, {}],
  ] as const) {
    it(`begins no body afterwards: GET /${target} of ${type["Content-Type"]} ${JSON.stringify(headers)}`, async () => {
      const { store, held } = slowStore();
      const streams = gated({ store }, () => held.begin());
      await expectStatus(201, streams, "PUT", "a", type, '"old"');
      const answer = send(streams, "GET", target, { ...headers, ...AN_HOUR });
      await within(held.asked, "the store to be asked");
      await ahead(HOUR_MS, async () => {
        held.clear();
        await expectEnded(answer);
      });
    });
  }

  it("sends no piece afterwards, even before a timer could tell", async () => {
    const streams = gated();
    await expectStatus(201, streams, "PUT", "a", TEXT, "old");
    const { body } = await expectStatus(200, streams, "GET", "a", AN_HOUR);
    assert.ok(body);
    await ahead(HOUR_MS, () => assert.rejects(within(body.getReader().read(), "the failure"), /has ended/));
  });
});

/** Whether the store answers what is asked of it. */
interface Held {
  /** Resolves when something is asked while it does not answer. */
  readonly asked: Promise<void>;
  begin(): void;
  clear(): void;
}

/** A store in memory whose looks at paths and folders can be held up. */
function slowStore(): { store: Store; held: Held } {
  const inner = memoryStore();
  let isHeld = false;
  let clear = (): void => {};
  const cleared = new Promise<void>((resolve) => {
    clear = resolve;
  });
  let ask = (): void => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const wait = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isHeld) {
      ask();
      await cleared;
    }
    return work();
  };
  const store = new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const bound = member.bind(target) as (...args: unknown[]) => unknown;
      if (name !== "stat" && name !== "list") return bound;
      return (...args: unknown[]) => wait(async () => await bound(...args));
    },
  });
  const begin = (): void => {
    isHeld = true;
  };
  return { store, held: { asked, begin, clear: () => clear() } };
}
