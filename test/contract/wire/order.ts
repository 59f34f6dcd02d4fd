/** Section 0 of the wire contract: which of two faults of a request is reported. */
import assert from "node:assert/strict";
import { upgradeHeaders } from "../../fixture/websocket.ts";
import type { Target } from "./target.ts";
import { section, type Wire } from "./wire.ts";

const KEY = Buffer.alloc(16, 3).toString("base64");

/** A request to which faults are added. */
interface Request {
  method: string;
  path: string;
  query: string[];
  headers: Record<string, string>;
}

/** A fault: how to add it to a request, and the status that the server responds with if it is the only one. */
interface Fault {
  readonly status: number;
  put(request: Request): void;
}

/** All faults, in the order in which they are reported. */
const ORDER: Record<string, Fault> = {
  "a malformed path": {
    status: 400,
    put: (request) => {
      request.path += "/%2e%2e%2fx";
    },
  },
  "an unknown verb": {
    status: 400,
    put: ({ headers }) => {
      headers["X-Verb"] = "BOGUS";
    },
  },
  "a malformed offset": {
    status: 400,
    put: ({ query }) => {
      query.unshift("offset=x");
    },
  },
  "an offer of subprotocols that is no list": {
    status: 400,
    put: ({ headers }) => {
      headers["Sec-WebSocket-Protocol"] = "httpfstream.v1, httpfstream.v1";
    },
  },
  "a place in the file": {
    status: 400,
    put: ({ headers }) => {
      headers["Content-Range"] = "bytes 0-0/1";
    },
  },
  "a foreign origin": {
    status: 403,
    put: ({ headers }) => {
      headers["Origin"] = "https://elsewhere.example";
    },
  },
  "an unknown method": {
    status: 405,
    put: (request) => {
      request.method = "DELETE";
    },
  },
  "a file in the way": {
    status: 409,
    put: (request) => {
      request.path = request.path.replace(/^\w+/, "file/$&");
    },
  },
  "an unknown session": {
    status: 410,
    put: ({ query }) => {
      query.push("session=unknown");
    },
  },
  "a path that is taken": {
    status: 403,
    put: (request) => {
      request.path = request.path.replace("free", "taken");
    },
  },
  "another size": {
    status: 412,
    put: ({ query }) => {
      query.push("offset=77");
    },
  },
};

/** Requests that append in different ways, and the faults that do not apply to each. */
const WAYS: Record<string, { request: () => Request; without: readonly string[] }> = {
  "an upload": {
    request: () => ({ method: "POST", path: "free", query: ["verb=APPEND"], headers: {} }),
    without: ["an unknown session", "an offer of subprotocols that is no list"],
  },
  "an upgrade": {
    request: () => ({ method: "GET", path: "free", query: ["verb=APPEND"], headers: upgradeHeaders(KEY) }),
    without: ["an unknown method", "an unknown session", "a place in the file"],
  },
  "an upgrade to httpfstream.v1": {
    request: () => ({
      method: "GET",
      path: "free",
      query: ["verb=APPEND"],
      headers: upgradeHeaders(KEY, { "Sec-WebSocket-Protocol": "httpfstream.v1" }),
    }),
    without: ["an unknown method", "a place in the file"],
  },
  "a question what an upgrade would get": {
    request: () => ({ method: "GET", path: "free", query: ["verb=APPEND"], headers: {} }),
    without: ["an unknown method", "an offer of subprotocols that is no list", "a place in the file"],
  },
};

export function orderSection(target: Target): void {
  const cases: Record<string, (wire: Wire) => Promise<void>> = {};
  for (const [way, { request, without }] of Object.entries(WAYS)) {
    const faults = Object.entries(ORDER).filter(([what]) => !without.includes(what));
    cases[`of two faults of ${way} the first in the order is reported, and nothing changes`] = async (wire) => {
      await wire.put("file", "a file");
      const appender = await wire.appender("taken");
      for (const [at, [what, first]] of faults.entries()) {
        assert.equal(await statusOf(wire, request(), [first]), first.status, `${what} alone`);
        for (const [other, second] of faults.slice(at + 1)) {
          assert.equal(await statusOf(wire, request(), [first, second]), first.status, `${what} and ${other}`);
        }
      }
      assert.equal((await wire.get("free")).status, 404);
      await appender.finish();
      assert.equal((await wire.stored("taken")).length, 0);
    };
  }
  section(target, "0 the order of refusals", {
    ...cases,

    "a malformed query is reported before an unknown method, and that before a missing path": async (wire) => {
      assert.equal((await wire.send({ method: "PATCH", target: wire.at("a//b") })).status, 400);
      assert.equal((await wire.send({ method: "PATCH", target: wire.at("a", "verb=x") })).status, 400);
      assert.equal((await wire.send({ method: "PATCH", target: wire.at("a", "offset=1&tail=1") })).status, 400);
      assert.equal((await wire.send({ method: "PATCH", target: wire.at("a") })).status, 405);
    },

    "an offer of subprotocols that is no list is malformed in every request, and claims nothing": async (wire) => {
      await wire.appender("taken");
      for (const offer of ["", ",", "a,,b", "a b", "a, a", "a,", "httpfstream.v1, httpfstream.v1", "(v1)", 'a"']) {
        const headers = { "Sec-WebSocket-Protocol": offer };
        for (const [path, verb] of [
          ["free", "APPEND"],
          ["taken", "APPEND"],
          ["taken", "FOLLOW"],
          ["none", "FOLLOW"],
        ] as const) {
          const peer = await wire.upgrade({ target: wire.at(path, `verb=${verb}`), headers });
          const { status, text } = await peer.response();
          assert.deepEqual([offer, path, verb, status], [offer, path, verb, 400]);
          assert.match(text, /Sec-WebSocket-Protocol/);
        }
      }
      assert.equal((await wire.get("free")).status, 404);
    },

    "a malformed limit is reported before an unknown method": async (wire) => {
      assert.equal((await wire.send({ method: "PATCH", target: wire.at("", "limit=0") })).status, 400);
      assert.equal((await wire.get("none", "limit=x")).status, 400);
      assert.equal((await wire.get("none", "limit=7")).status, 404);
    },

    "a file in the way is reported before an offset past the end": async (wire) => {
      await wire.put("file", "a file");
      assert.equal((await wire.get("file/a", "offset=99")).status, 409);
      assert.equal((await wire.get("file", "offset=99")).status, 416);
      assert.equal((await wire.get("file", "offset=99&verb=FOLLOW")).status, 416);
    },
  });
}

async function statusOf(wire: Wire, request: Request, faults: readonly Fault[]): Promise<number> {
  for (const fault of faults) fault.put(request);
  const target = wire.at(request.path, request.query.join("&"));
  const { method, headers } = request;
  const answer = await wire.send({ method, target, headers, ...(method === "GET" ? {} : { body: "x" }) });
  return answer.status;
}
