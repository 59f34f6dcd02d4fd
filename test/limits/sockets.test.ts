/** The limits on TCP connections, in all and by address: silent ones count, and one address never takes all of them. */
import assert from "node:assert/strict";
import { request as startRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { Connection } from "../fixture/connection.ts";
import { NO_DESCRIPTORS } from "../fixture/descriptors.ts";
import { type HttpHead, readHead, requestHead } from "../fixture/http.ts";
import { samplesOf } from "../fixture/metrics.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

/** The limit of descriptors of the servers that are attacked. */
const DESCRIPTORS = 192;

/** How many connections an attacker opens: more than there are descriptors. */
const CROWD = 250;

/** Bun does not report a connection before its first byte. */
const FIRST_BYTES: Readonly<Record<Runtime, string>> = { node: "", deno: "", bun: "GET /a.txt HTTP/1.1\r\n" };

interface Limited {
  readonly server: TestServer;
  /** How many refusals with a code the metrics count. */
  refusals(code: string): Promise<number>;
  /** Opens a connection that sends no whole request. */
  hold(): Promise<Connection>;
}

async function limited(
  test: TestContext,
  runtime: Runtime,
  limits: Record<string, number>,
  { more = [], descriptors }: { more?: readonly string[]; descriptors?: number } = {},
): Promise<Limited> {
  const args = Object.entries(limits).flatMap(([name, value]) => ["--limit", `${name}=${value}`]);
  const through = ["sh", "-c", `ulimit -n ${descriptors} && exec "$0" "$@"`];
  const server = await startStandalone(runtime, {
    args: ["--admin", "127.0.0.1:0", ...args, ...more],
    ...(descriptors !== undefined && { through }),
  });
  const [, admin] = await server.program.printed(/^probes and metrics at (\S+)\/$/m);
  const refusals = async (code: string): Promise<number> => {
    const { text } = await ask(`${admin}/metrics`, { localAddress: "127.0.0.3" });
    return samplesOf(text).get(`httpfstream_refusals_total{code="${code}"}`) ?? 0;
  };
  const held: Connection[] = [];
  test.after(async () => {
    for (const connection of held) connection.drop();
    await server.kill9();
  });
  const hold = async (): Promise<Connection> => {
    const connection = await Connection.open(server.url);
    held.push(connection);
    await connection.write(FIRST_BYTES[runtime]);
    return connection;
  };
  return { server, refusals, hold };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends a request on a connection of its own, from an address of this machine. */
async function ask(
  url: string,
  { localAddress, method = "GET", body }: { localAddress: string; method?: string; body?: string },
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const sent = startRequest(url, { method, localAddress, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (some: string) => {
        text += some;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on("error", reject).end(body);
  });
}

/** The status of an append from an address; 0 if the server closes the connection without an answer. */
async function appendFrom(localAddress: string, { url }: TestServer, path: string): Promise<number> {
  const sent = ask(`${url}/${path}?verb=APPEND`, { localAddress, method: "POST", body: "x" });
  return await sent.then(
    ({ status }) => status,
    () => 0,
  );
}

/** Sends a request from 127.0.0.1, and expects that its connection was refused. */
async function expectRefused({ url }: TestServer): Promise<HttpHead & { text: string }> {
  const connection = await Connection.open(url);
  try {
    await connection.write(requestHead(url, { target: "/a.txt" }));
    const head = await readHead(connection);
    const text = String(await connection.read(Number(head.headers.get("content-length"))));
    assert.equal(head.headers.get("retry-after"), "1");
    assert.equal(await connection.readSome().catch(() => undefined), undefined, "the connection has ended");
    return { ...head, text };
  } finally {
    connection.drop();
  }
}

/** Opens connections from 127.0.0.1 that send no whole request. */
function attack(test: TestContext, { url }: TestServer, runtime: Runtime): Socket[] {
  const crowd = Array.from({ length: CROWD }, () => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    // It does not matter how the server refuses the connection.
    socket.on("error", () => {});
    socket.write(FIRST_BYTES[runtime]);
    return socket;
  });
  // If the test fails, they would keep its process alive.
  test.after(() => {
    for (const socket of crowd) socket.destroy();
  });
  return crowd;
}

const linux = NO_DESCRIPTORS === undefined ? {} : { skip: NO_DESCRIPTORS };

for (const runtime of RUNTIMES) {
  describe(`connections on ${runtime}`, { timeout: 60_000 }, () => {
    it("of one address never take the server from another one, though they send no request", linux, async (test) => {
      const { server, refusals } = await limited(test, runtime, {}, { descriptors: DESCRIPTORS });
      const crowd = attack(test, server, runtime);
      await server.program.printed(
        /Connections are refused: 127\.0\.0\.1 has \d+ connections, and one address .*\(peerSockets\)/,
      );
      assert.equal(await appendFrom("127.0.0.2", server, "a.txt"), 200);
      assert.ok((await refusals("too_many")) > 0);
      assert.equal(await refusals("overloaded"), 0);
      for (const socket of crowd) socket.destroy();
      await until(
        "the first address to be served again",
        async () => (await appendFrom("127.0.0.1", server, "b")) === 200,
      );
    });

    it("of one address do take it without the limit", linux, async (test) => {
      const { server } = await limited(test, runtime, { peerSockets: 0 }, { descriptors: DESCRIPTORS });
      const crowd = attack(test, server, runtime);
      await server.program.printed(/Connections are refused: \d+ are open/);
      assert.notEqual(await appendFrom("127.0.0.2", server, "a.txt"), 200);
      for (const socket of crowd) socket.destroy();
    });

    it("peerSockets: 429 with a sentence, one message in the log, and room again afterwards", async (test) => {
      const { server, refusals, hold } = await limited(test, runtime, { peerSockets: 2 });
      const first = await hold();
      await hold();
      for (const expected of [1, 2]) {
        const { status, headers, text } = await expectRefused(server);
        assert.equal(status, 429, text);
        assert.equal(headers.get("stream-error"), "too_many");
        assert.match(text, /^127\.0\.0\.1 has 2 connections, which is the limit for one address \(peerSockets\)\./);
        assert.equal(await refusals("too_many"), expected);
      }
      assert.equal(await appendFrom("127.0.0.2", server, "a.txt"), 200);
      assert.equal(server.program.output.match(/Connections are refused: 127\.0\.0\.1 has 2/g)?.length, 1);
      first.drop();
      await until("a place", async () => (await appendFrom("127.0.0.1", server, "b.txt")) === 200);
    });

    it("sockets: 503 for all addresses", async (test) => {
      const { server, refusals, hold } = await limited(test, runtime, { sockets: 2 });
      const first = await hold();
      await hold();
      const { status, headers, text } = await expectRefused(server);
      assert.equal(status, 503, text);
      assert.equal(headers.get("stream-error"), "overloaded");
      assert.match(text, /^The server has 2 connections, which is its limit \(sockets\)\./);
      assert.equal(await appendFrom("127.0.0.2", server, "a.txt"), 503);
      assert.equal(await refusals("overloaded"), 2);
      await server.program.printed(/Connections are refused: The server has 2 connections/);
      first.drop();
      await until("a place", async () => (await appendFrom("127.0.0.2", server, "b.txt")) === 200);
    });

    it("peerSocketsPerSecond: 429 for those that come too fast", async (test) => {
      const { server } = await limited(test, runtime, { peerSocketsPerSecond: 1 });
      const statuses = await until("two connections within a second", async () => {
        const sent = Array.from({ length: 6 }, (_, at) => appendFrom("127.0.0.1", server, `${at}.txt`));
        const all = await Promise.all(sent);
        return all.includes(429) ? all : undefined;
      });
      assert.ok(statuses.every((status) => status === 200 || status === 429));
      await server.program.printed(/127\.0\.0\.1 opens more than 1 connections in a second.*\(peerSocketsPerSecond\)/);
      await until("a later connection", async () => (await appendFrom("127.0.0.1", server, "later.txt")) === 200);
    });

    it("of a trusted proxy do not count as those of one address", async (test) => {
      const more = ["--trusted-proxy", "127.0.0.1"];
      const { server, refusals, hold } = await limited(test, runtime, { peerSockets: 1 }, { more });
      await hold();
      await hold();
      assert.equal(await appendFrom("127.0.0.1", server, "a.txt"), 200);
      assert.equal(await refusals("too_many"), 0);
    });
  });
}
