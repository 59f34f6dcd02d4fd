/** The gate is asked about every request, before anything is claimed, created or read for it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccessRequest, createStreams, type LogEvent, memoryStore, type Store } from "../../src/index.ts";
import { METHODS } from "../../src/server/request/verb.ts";
import { OFFER } from "../fixture/v1.ts";
import { upgradeHeaders } from "../fixture/websocket.ts";

const UPGRADE = upgradeHeaders("dGhlIHNhbXBsZSBub25jZQ==");

/** A request for something. */
interface Asking {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
}

const VERBS = ["", "APPEND", "FOLLOW", "append"].flatMap((verb) => [
  { query: verb && `verb=${verb}`, headers: {} },
  { query: "", headers: verb ? { "X-Verb": verb } : {} },
]);
const PATHS = ["a.txt", "none.txt", "folder", "folder/", "folder/b.txt", ""];
/** The control paths of subscriptions that the gate is asked about. Others need the token of a wake, or answer with public keys. */
const CONTROLS = [
  "__ds/subscriptions/s",
  "__ds/subscriptions/s/streams",
  "__ds/subscriptions/s/streams/a",
  "__ds/subscriptions/s/claim",
];
const QUERIES = [
  "",
  "stay=1",
  "offset=0",
  "session=x",
  "lines",
  "search=e",
  "live=sse",
  "live=sse&offset=0",
  "live=long-poll&offset=0",
];
const KINDS: Record<string, string>[] = [
  {},
  UPGRADE,
  { ...UPGRADE, ...OFFER },
  { Range: "bytes=0-1" },
  { "Producer-Id": "x" },
];

/** Every way to ask for something: each method, verb, path and query, with and without an upgrade. */
function* everyRequest(paths: readonly string[] = PATHS): Generator<Asking> {
  for (const method of METHODS) {
    for (const verb of VERBS) {
      for (const path of paths) {
        for (const query of QUERIES) {
          for (const kind of KINDS) {
            const target = `/${path}?${[verb.query, query].filter(Boolean).join("&")}`;
            yield { method, target, headers: { Host: "localhost", ...verb.headers, ...kind } };
          }
        }
      }
    }
  }
}

/** A store that counts what would change it or reveal its contents. */
async function watchedStore(
  names: readonly ("claim" | "read" | "remove" | "stat" | "list")[] = ["claim", "read", "remove"],
): Promise<{ store: Store; touched: string[] }> {
  const store = memoryStore();
  for (const path of ["a.txt", "folder/b.txt"]) {
    const handle = await store.claim(path);
    await handle.append(new TextEncoder().encode("secret"));
    await handle.release("complete");
  }
  const touched: string[] = [];
  for (const name of names) {
    const original = store[name].bind(store) as (...args: unknown[]) => unknown;
    Object.assign(store, {
      [name]: (...args: unknown[]) => {
        touched.push(`${name} ${String(args[0])}`);
        return original(...args);
      },
    });
  }
  return { store, touched };
}

describe("the gate", () => {
  it("is asked about every request that could succeed, and a refusal is final", async () => {
    const { store, touched } = await watchedStore(["claim", "read", "remove", "stat", "list"]);
    const asked: Omit<AccessRequest, "c">[] = [];
    const authorize = ({ action, path }: AccessRequest): false => {
      asked.push({ action, path });
      return false;
    };
    const streams = createStreams({ store, deletes: "all", authorize });
    for (const { method, target, headers } of everyRequest()) {
      asked.length = 0;
      const body = method === "POST" || method === "PUT" ? "bytes" : null;
      const response = await streams.app.request(`http://localhost${target}`, { method, headers, body });
      const what = `${method} ${target} ${JSON.stringify(headers)}: ${response.status}`;
      const text = await response.text();
      assert.doesNotMatch(text, /secret/, what);
      // A malformed request is refused before the gate.
      if (response.status === 400 || response.status === 426) {
        assert.deepEqual(asked, [], what);
        continue;
      }
      assert.equal(response.status, "Producer-Id" in headers ? 401 : 403, what);
      // Only the store knows whether it is a file or a folder.
      const actions = asked.map(({ action }) => action);
      if (actions.length > 1)
        assert.deepEqual([method === "GET" || method === "HEAD", actions], [true, ["read", "list"]], what);
      assert.ok(actions.length > 0, what);
    }
    assert.deepEqual(touched, []);
    await streams.shutdown();
  });

  it("is asked before the store, whose answer may be long in coming", async () => {
    const store = memoryStore();
    let looks = 0;
    for (const name of ["stat", "list"] as const) {
      Object.assign(store, {
        [name]: () => {
          looks++;
          return new Promise(() => {});
        },
      });
    }
    const streams = createStreams({ store, authorize: () => ({ allow: false, status: 401 }) });
    for (const method of ["GET", "HEAD"]) {
      for (const path of ["a", "folder/b", "folder/", ""]) {
        const response = await streams.app.request(`http://localhost/${path}`, { method });
        assert.deepEqual([response.status, looks], [401, 0], `${method} /${path}`);
      }
    }
    await streams.shutdown();
  });

  it("may allow to list and not to read, and the other way round; a refusal does not tell a folder from a file", async () => {
    const { store } = await watchedStore();
    let refused = "";
    const authorize = ({ action }: AccessRequest): boolean | { allow: false; message: string } =>
      !refused.includes(action) || { allow: false, message: `No ${action}.` };
    const streams = createStreams({ store, authorize });
    const get = async (path: string): Promise<string> => {
      const response = await streams.app.request(`http://localhost/${path}`, {
        headers: { Accept: "application/json" },
      });
      const text = await response.text();
      return response.status === 200
        ? text.includes("entries")
          ? "listing"
          : text
        : `${response.status} ${text.trim()}`;
    };
    const expected: [refused: string, file: string, folder: string, none: string][] = [
      ["", "secret", "listing", '404 "/none" does not exist.'],
      ["list", "secret", "403 No list.", '404 "/none" does not exist.'],
      ["read", "403 No read.", "listing", "403 No read."],
      ["read list", "403 No read.", "403 No read.", "403 No read."],
    ];
    for (const [what, ...answers] of expected) {
      refused = what;
      assert.deepEqual([await get("a.txt"), await get("folder"), await get("none")], answers, what);
    }
    await streams.shutdown();
  });

  it("may refuse to read with an error or a response of its own, and still allow to list", async () => {
    const { store } = await watchedStore();
    let cancelled = 0;
    const refusals: (() => Response)[] = [
      () => {
        throw new Error("not this one");
      },
      () => new Response(new ReadableStream({ cancel: () => void cancelled++ }), { status: 402 }),
    ];
    for (const [at, refusal] of refusals.entries()) {
      const authorize = ({ action }: AccessRequest): boolean | Response => action === "list" || refusal();
      const streams = createStreams({ store, authorize, log() {} });
      assert.equal((await streams.app.request("http://localhost/folder")).status, 200);
      assert.equal(cancelled, at);
      const { status } = await streams.app.request("http://localhost/a.txt", { method: "HEAD" });
      assert.equal(status, [500, 402][at]);
      await streams.shutdown();
    }
  });

  it("is asked about every request for a subscription as well", async () => {
    const { store, touched } = await watchedStore();
    let asked = 0;
    const authorize = (): false => {
      asked++;
      return false;
    };
    const streams = createStreams({ store, webhooks: true, deletes: "all", authorize });
    for (const { method, target, headers } of everyRequest(CONTROLS)) {
      asked = 0;
      const body = method === "POST" || method === "PUT" ? "{}" : null;
      const response = await streams.app.request(`http://localhost${target}`, { method, headers, body });
      const what = `${method} ${target} ${JSON.stringify(headers)}: ${response.status}`;
      assert.doesNotMatch(await response.text(), /secret/, what);
      // A method that the path does not have is refused before the gate.
      const isRefused = response.status === 405;
      if (!isRefused) assert.equal(response.status, "Producer-Id" in headers ? 401 : 403, what);
      assert.equal(asked, isRefused ? 0 : 1, what);
    }
    assert.deepEqual(touched, []);
    assert.deepEqual(await store.subscriptions?.list(), []);
    await streams.shutdown();
  });

  it("is asked for the action that a request takes", async () => {
    const { store } = await watchedStore();
    let asked: string[] = [];
    const authorize = ({ action, path }: AccessRequest): boolean => {
      asked.push(`${action} /${path}`);
      return true;
    };
    const streams = createStreams({ store, deletes: "all", authorize });
    const expected: [string, string, string][] = [
      ["GET", "/a.txt", "read /a.txt"],
      ["HEAD", "/a.txt", "read /a.txt"],
      ["GET", "/a.txt?verb=FOLLOW", "read /a.txt"],
      ["GET", "/none.txt", "read /none.txt"],
      ["GET", "/a.txt?verb=APPEND", "append /a.txt"],
      ["GET", "/", "list /"],
      ["GET", "/folder", "read /folder, list /folder"],
      ["HEAD", "/folder", "read /folder, list /folder"],
      ["GET", "/folder/", "list /folder"],
      ["GET", "/folder/b.txt", "read /folder/b.txt"],
      ["GET", "/a.txt?lines", "read /a.txt"],
      ["HEAD", "/a.txt?lines", "read /a.txt"],
      ["GET", "/a.txt?search=e", "read /a.txt"],
      ["GET", "/folder/?lines", "read /folder"],
      ["HEAD", "/folder/?live=sse", "list /folder"],
      ["GET", "/folder?search=e", "read /folder"],
      ["POST", "/new.txt?verb=APPEND", "append /new.txt"],
      ["PUT", "/new.txt", "append /new.txt"],
      ["POST", "/new.txt?verb=FOLLOW", "append /new.txt"],
      ["DELETE", "/a.txt", "delete /a.txt"],
      ["DELETE", "/a.txt?verb=APPEND", "append /a.txt"],
    ];
    for (const [method, target, want] of expected) {
      asked = [];
      const body = method === "POST" || method === "PUT" ? "x" : null;
      await (await streams.app.request(`http://localhost${target}`, { method, body })).arrayBuffer();
      assert.equal(asked.join(", "), want, `${method} ${target}`);
    }
    await streams.shutdown();
  });

  it("may answer with a response of its own", async () => {
    const { store, touched } = await watchedStore();
    const authorize = (): Response => new Response("Sign in first.", { status: 302, headers: { Location: "/login" } });
    const streams = createStreams({ store, authorize });
    for (const init of [{}, { method: "POST", body: "x" }]) {
      const response = await streams.app.request("http://localhost/a.txt?verb=APPEND", init);
      assert.deepEqual([response.status, response.headers.get("location")], [302, "/login"]);
    }
    assert.deepEqual(touched, []);
    await streams.shutdown();
  });

  it("refuses when it throws, and says so on the server only", async () => {
    const { store, touched } = await watchedStore();
    const logged: unknown[] = [];
    const authorize = async (): Promise<boolean> => {
      throw new Error("the user database at db.internal is down");
    };
    const log = (event: { type: string }): void => void (event.type === "error" && logged.push(event));
    const streams = createStreams({ store, authorize, log });
    for (const init of [{}, { method: "POST", body: "x" }]) {
      const response = await streams.app.request("http://localhost/a.txt?verb=APPEND", init);
      assert.equal(response.status, 500);
      assert.doesNotMatch(await response.text(), /db\.internal/);
    }
    assert.equal(logged.length, 2);
    assert.deepEqual(touched, []);
    await streams.shutdown();
  });

  it("shows in a listing only what may be read", async () => {
    const { store } = await watchedStore();
    const authorize = () => ({ allow: true as const, mayRead: (path: string) => path.startsWith("folder") });
    const streams = createStreams({ store, authorize });
    const headers = { Accept: "application/json" };
    const { entries } = (await (await streams.app.request("http://localhost/", { headers })).json()) as {
      entries: { name: string }[];
    };
    assert.deepEqual(
      entries.map(({ name }) => name),
      ["folder"],
    );
    const page = await (await streams.app.request("http://localhost/")).text();
    assert.doesNotMatch(page, /a\.txt/);
    await streams.shutdown();
  });

  it("allows nothing by an answer with a mistake in it, and the log names the mistake", async () => {
    const { store, touched } = await watchedStore();
    const shared = new Response("Sign in first.", { status: 401 });
    await shared.text();
    const answers: [unknown, RegExp][] = [
      [{ allow: true, expiresAtMs: Number.NaN }, /"expiresAtMs"/],
      [{ allow: true, expiresAtMs: "2030-01-01T00:00:00Z" }, /"expiresAtMs"/],
      [{ allow: true, mayRead: async () => false }, /"mayRead"/],
      [{ allow: false, status: 401, challenge: "a\nb" }, /"challenge"/],
      [shared, /Return a new Response each time/],
    ];
    for (const [answer, message] of answers) {
      const logged: { message: string; requestId?: string }[] = [];
      const log = (event: LogEvent): void => void (event.type === "error" && logged.push(event));
      const streams = createStreams({ store, authorize: () => answer as never, log });
      const isListing = String(message).includes("mayRead");
      const requests: [string, RequestInit][] = [["/", {}]];
      if (!isListing) {
        requests.push(["/a.txt", {}], ["/a.txt?verb=FOLLOW&stay=1", {}]);
        requests.push(["/a.txt?verb=APPEND", { method: "POST", body: "x" }], ["/b.txt", { method: "PUT" }]);
      }
      for (const [target, init] of requests) {
        logged.length = 0;
        const response = await streams.app.request(`http://localhost${target}`, init);
        assert.equal(response.status, 500, `${target} ${message}`);
        assert.equal(await response.text(), "The server failed. Its log says why.\n");
        assert.match(logged[0]?.message ?? "", message);
        assert.equal(logged[0]?.requestId, response.headers.get("X-Request-Id"));
      }
      await streams.shutdown();
    }
    assert.deepEqual(touched, []);
  });

  it("is not asked about what the program itself does", async () => {
    const { store } = await watchedStore();
    const streams = createStreams({ store, authorize: () => false });
    await streams.append("a.txt", "!");
    assert.equal(await new Response(streams.read("a.txt")).text(), "secret!");
    await streams.shutdown();
  });
});
