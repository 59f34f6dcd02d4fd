/** What the HTTP parser or the server refuses before the app: answered, with an id, logged once and counted by code. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { Connection } from "../fixture/connection.ts";
import { type HttpHead, readHead } from "../fixture/http.ts";
import { samplesOf } from "../fixture/metrics.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly method: string;
  readonly target: string;
}

const head = (line: string, ...headers: string[]): string => [`${line} HTTP/1.1`, ...headers, "", ""].join("\r\n");
const HOST = "Host: localhost";
const UPGRADE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

const CASES: Readonly<Record<string, readonly [string, Refused]>> = {
  "an unknown method": [
    head("BREW /pot?access_token=s3cret", HOST),
    { status: 405, code: "method_not_allowed", method: "BREW", target: "/pot" },
  ],
  CONNECT: [head("CONNECT x:1", HOST), { status: 405, code: "method_not_allowed", method: "CONNECT", target: "x:1" }],
  "the target *": [head("GET *", HOST), { status: 400, code: "bad_request", method: "GET", target: "*" }],
  "the target * of OPTIONS": [
    head("OPTIONS *", HOST),
    { status: 400, code: "bad_request", method: "OPTIONS", target: "*" },
  ],
  "an upgrade of the target *": [
    head("GET *", HOST, ...UPGRADE),
    { status: 400, code: "bad_request", method: "GET", target: "*" },
  ],
  "a target without a slash": [
    head("GET a.txt", HOST),
    { status: 400, code: "bad_request", method: "GET", target: "a.txt" },
  ],
  "a target with a backslash": [
    head("GET \\a.txt", HOST),
    { status: 400, code: "bad_request", method: "GET", target: "\\a.txt" },
  ],
  "no Host": [head("GET /a.txt?x"), { status: 400, code: "bad_request", method: "GET", target: "/a.txt" }],
  "a Host that no URL has": [
    head("GET /a.txt", "Host: a b"),
    { status: 400, code: "bad_request", method: "GET", target: "/a.txt" },
  ],
  "headers that are too long": [
    head("GET /a.txt", HOST, `X-Long: ${"x".repeat(40_000)}`),
    { status: 431, code: "too_large", method: "GET", target: "/a.txt" },
  ],
  "a target that is too long": [
    head(`GET /${"x".repeat(40_000)}`, HOST),
    { status: 431, code: "too_large", method: "GET", target: `/${"x".repeat(4_091)}` },
  ],
  "an unknown expectation": [
    head("POST /a.txt?verb=APPEND", HOST, "Expect: a miracle", "Content-Length: 1"),
    { status: 417, code: "bad_request", method: "POST", target: "/a.txt" },
  ],
  "a length and chunks": [
    head("POST /a.txt?verb=APPEND", HOST, "Transfer-Encoding: chunked", "Content-Length: 3"),
    { status: 400, code: "bad_request", method: "POST", target: "/a.txt" },
  ],
  "what is no HTTP": ["\x16\x03\x01\x02\x00\x01", { status: 400, code: "bad_request", method: "-", target: "-" }],
};

interface Logged extends TestServer {
  /** The lines of the log about a request. */
  about(requestId: string): Promise<Record<string, unknown>[]>;
  /** How many refusals with a code the metrics count. */
  refusals(code: string): Promise<number>;
}

async function logged(test: TestContext, runtime: Runtime, more: readonly string[] = []): Promise<Logged> {
  const args = ["--admin", "127.0.0.1:0", "--log-level", "debug", "--log-format", "json", ...more];
  const server = await startStandalone(runtime, { args });
  test.after(() => server.kill9());
  const [, admin] = await server.program.printed(/probes and metrics at (http:\/\/[\d.:]+)/);
  const about = async (requestId: string): Promise<Record<string, unknown>[]> => {
    await server.program.printed(new RegExp(`"type":"request".*${requestId}|${requestId}.*"type":"request"`));
    const lines = server.program.output.split("\n").filter((line) => line.includes(requestId));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const refusals = async (code: string): Promise<number> => {
    const text = await (await fetch(`${admin}/metrics`)).text();
    return samplesOf(text).get(`httpfstream_refusals_total{code="${code}"}`) ?? 0;
  };
  return { ...server, about, refusals };
}

/** Sends bytes on a connection, and returns the answer to them, whose connection then ends. */
async function send(url: string, bytes: string): Promise<HttpHead & { text: string }> {
  const connection = await Connection.open(url);
  try {
    await connection.write(bytes);
    const answered = await readHead(connection);
    const text = String(await connection.read(Number(answered.headers.get("content-length"))));
    return { ...answered, text };
  } finally {
    connection.drop();
  }
}

/** Expects the lines about a refused request: why, and the one of the access log. */
function expectLines(lines: readonly Record<string, unknown>[], { status, code, method, target }: Refused): void {
  assert.deepEqual(
    lines.map(({ type }) => type),
    ["refusal", "request"],
  );
  const [refusal, request] = lines;
  for (const line of lines) {
    assert.deepEqual([line.method, line.target, line.status, line.peer], [method, target, status, "127.0.0.1"]);
  }
  assert.equal(refusal?.code, code);
  assert.deepEqual([request?.reason, request?.bytes], [code, 0]);
}

for (const runtime of RUNTIMES) {
  describe(`refused before the app, on ${runtime}`, { timeout: 60_000 }, () => {
    it("is answered with a sentence and an id, logged once, and counted", async (test) => {
      const server = await logged(test, runtime);
      for (const [what, [bytes, refused]] of Object.entries(CASES)) {
        const before = await server.refusals(refused.code);
        const { status, headers, text } = await send(server.url, bytes);
        assert.equal(status, refused.status, what);
        assert.match(text, /^[A-Z].*\.\n$/, what);
        assert.equal(headers.get("stream-error"), refused.code, what);
        const id = headers.get("x-request-id");
        assert.ok(id, what);
        expectLines(await server.about(id), refused);
        assert.equal(await server.refusals(refused.code), before + 1, what);
      }
      assert.doesNotMatch(server.program.output, /s3cret/);
    });

    it("has the id of its client, and the peer that a trusted proxy names", async (test) => {
      const server = await logged(test, runtime, ["--trusted-proxy", "127.0.0.1"]);
      const bytes = head("GET /a.txt", "Host: a b", "X-Request-Id: chosen/1", "X-Forwarded-For: 203.0.113.5");
      const { headers } = await send(server.url, bytes);
      assert.equal(headers.get("x-request-id"), "chosen/1");
      const [refusal] = await server.about("chosen/1");
      assert.equal(refusal?.peer, "203.0.113.5");
    });

    it("is logged if its headers are late, but not a connection that was silent", async (test) => {
      const server = await logged(test, runtime, ["--limit", "headersTimeoutMs=500"]);
      const silent = await Connection.open(server.url);
      test.after(() => silent.drop());
      const { status, headers } = await send(server.url, "GET /a.txt HTTP/1.1\r\nHost: local");
      assert.equal(status, 408);
      // The parser does not say what it has read.
      const refused = { status: 408, code: "idle", method: "-", target: "-" };
      const id = headers.get("x-request-id");
      // On Bun, nothing tells how much has arrived.
      if (runtime === "bun") assert.equal(id, null);
      else expectLines(await server.about(id ?? "none"), refused);
      await readHead(silent);
      await until("both to be counted", async () => (await server.refusals("idle")) === 2);
      assert.equal(server.program.output.match(/"type":"request"/g)?.length ?? 0, runtime === "bun" ? 0 : 1);
    });

    it("is not taken for the request in front of it on the connection", async (test) => {
      const server = await logged(test, runtime);
      const connection = await Connection.open(server.url);
      test.after(() => connection.drop());
      await connection.write(`${head("GET /none.txt", HOST)}BREW`);
      const first = await readHead(connection);
      await connection.read(Number(first.headers.get("content-length")));
      await connection.write(" /pot\r\n\r\n");
      const second = await readHead(connection);
      assert.deepEqual([first.status, second.status], [404, 400]);
      const id = second.headers.get("x-request-id") ?? "";
      const [refusal] = await server.about(id);
      assert.notEqual(refusal?.target, "/none.txt");
      assert.equal((await server.about(first.headers.get("x-request-id") ?? "")).length, 2);
    });
  });
}
