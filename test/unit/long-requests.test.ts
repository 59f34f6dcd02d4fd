/**
 * The work for a request grows no faster than its length. Where it did, what is sent here would take minutes, or more
 * memory than there is.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Context, Hono } from "hono";
import { anonymous } from "../../src/auth/mod.ts";
import {
  type FstreamOptions,
  fstream,
  type LogEvent,
  memoryStore,
  type Permission,
  type Store,
} from "../../src/index.ts";
import { checkedPath, PATH_BYTES, resourcePath } from "../../src/protocol/path.ts";
import { relativePath, withoutOuterSlashes } from "../../src/server/durable/subscriptions/control-path.ts";
import { verbOf, wantsWebSocket } from "../../src/server/request/verb.ts";

const LONG = 300_000;

async function withFile(path: string): Promise<Store> {
  const store = memoryStore();
  const handle = await store.claim(path);
  await handle.append(new TextEncoder().encode("x"));
  await handle.release();
  return store;
}

/** Asks within a real request, and returns what it throws. */
async function thrownBy(
  headers: Record<string, string>,
  query: string,
  ask: (c: Context) => unknown,
): Promise<{ code?: string; message?: string }> {
  let thrown: unknown;
  const app = new Hono().get("/", (c) => {
    try {
      ask(c);
    } catch (error) {
      thrown = error;
    }
    return c.body(null);
  });
  await app.request(`/${query}`, { headers });
  return thrown as { code?: string; message?: string };
}

test("a path has at most 4,096 bytes", () => {
  const isLong = { code: "bad_path", message: /longer than 4096 bytes/ };
  const longest = `${"ü/".repeat(PATH_BYTES / 3 - 1)}aaa`;
  const bytes = new TextEncoder().encode(longest).length;
  const full = `${longest}${"a".repeat(PATH_BYTES - bytes)}`;
  assert.equal(checkedPath(full.split("/")), full);
  assert.throws(() => checkedPath(`${full}a`.split("/")), isLong);
  assert.throws(() => resourcePath(`/${"a/".repeat(PATH_BYTES / 2)}a`), isLong);
});

test("a request with thousands of segments is refused, on every mount, and its messages are short", async () => {
  const segments = Array(7_000).fill("a").join("/");
  const mounts: [string, FstreamOptions][] = [
    ["/", {}],
    ["/logs", {}],
    ["/u/:user", { scope: (c) => c.req.param("user") }],
  ];
  for (const [mount, options] of mounts) {
    const events: LogEvent[] = [];
    const log = (event: LogEvent): void => void events.push(event);
    const app = new Hono().route(mount, fstream({ ...options, store: memoryStore(), log }));
    const front = mount.replace(":user", "ada").replace(/\/$/, "");
    for (const method of ["GET", "PUT", "DELETE"]) {
      const response = await app.request(`${front}/${segments}`, { method });
      assert.equal(response.status, 400, mount);
      assert.ok((await response.text()).length < 400);
    }
    const longest = "a/".repeat(PATH_BYTES / 2 - 10);
    const missing = await app.request(`${front}/${longest}a`);
    assert.equal(missing.status, 404);
    assert.ok((await missing.text()).length < 400);
    const refusals = events.filter((event) => event.type === "refusal");
    assert.equal(refusals.length, 4);
    for (const { message } of refusals) assert.ok(message.length < 400);
  }
});

test("of all folders above a path, only the one that is a file is asked about", async () => {
  const below = Array(1_500).fill("x");
  for (const depth of [1, 2, 700, 1_500]) {
    const file = ["f", ...below].slice(0, depth).join("/");
    for (const isReadable of [false, true]) {
      const inner = await withFile(file);
      let looks = 0;
      const store: Store = Object.create(inner, {
        stat: {
          value: (path: string) => {
            looks++;
            return inner.stat(path);
          },
        },
      });
      const asked: string[] = [];
      const mayRead = (path: string): boolean => {
        asked.push(path);
        return isReadable;
      };
      const authorize = (): Permission => ({ allow: true, mayRead });
      const app = fstream({ store, authorize, listings: false });
      const response = await app.request(`/${["f", ...below].join("/")}/end`);
      assert.equal(response.status, isReadable ? 409 : 404);
      assert.deepEqual(asked, [file]);
      assert.ok(looks < 20, `${looks} looks`);
    }
  }
});

test("a file is hidden unless it may be read itself", async () => {
  const store = await withFile("a/file");
  const status = async (read: string[]): Promise<number> => {
    const app = fstream({ store, authorize: anonymous({ read: ["/a/file/x/y", ...read] }) });
    return (await app.request("/a/file/x/y")).status;
  };
  assert.equal(await status([]), 404);
  assert.equal(await status(["/a"]), 404);
  assert.equal(await status(["/a", "/a/file/x"]), 404);
  assert.equal(await status(["/a/file"]), 409);
});

test("an offer of subprotocols with much white space is read once", async () => {
  const handshake = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
  const key = { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  const offer = (text: string): Record<string, string> => ({ ...handshake, ...key, "Sec-WebSocket-Protocol": text });
  const spaces = " ".repeat(LONG);
  assert.equal((await thrownBy(offer(`a${spaces}b`), "", wantsWebSocket)).code, "bad_request");
  assert.equal(await thrownBy(offer(`a${spaces},\t${spaces}b`), "", wantsWebSocket), undefined);
  assert.equal((await thrownBy(offer("a,,b"), "", wantsWebSocket)).code, "bad_request");
});

test("slashes at the ends of a control path are removed in one pass", () => {
  const slashes = "/".repeat(LONG);
  assert.equal(withoutOuterSlashes(`${slashes}a${slashes}b${slashes}`), `a${slashes}b`);
  assert.equal(withoutOuterSlashes(slashes), "");
  assert.throws(() => relativePath(`a${slashes}b`), { code: "bad_path" });
  assert.equal(relativePath("/a/b//"), "a/b");
});

test("a message quotes no more of a verb than a word", async () => {
  const messages: Record<string, string> = {
    "?verb=TAIL": 'not "TAIL".',
    "?verb=APPEND?key=eyJhbGciOiJ": 'not "APPEND…".',
    "?verb=%22eyJhbGciOiJ": 'not "…".',
    [`?verb=${"a".repeat(90)}`]: `not "${"a".repeat(20)}…".`,
  };
  for (const [query, end] of Object.entries(messages)) {
    const { code, message = "" } = await thrownBy({}, query, verbOf);
    assert.equal(code, "bad_request");
    assert.ok(message.endsWith(end), message);
  }
});
