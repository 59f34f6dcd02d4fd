/**
 * The line of each request in the log, on each runtime's own server and on the server of the command: status, bytes, end
 * reason and id.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startScript, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";

/** More than the buffers between a server and a client that reads nothing. */
const LARGE_BYTES = 32 * 1024 * 1024;

type Line = Record<string, unknown>;

/** The server, and what its log says. */
interface Logged {
  readonly peers: Peers;
  readonly url: string;
  /** Waits for the line of a type about a request. */
  line(type: string, requestId: string): Promise<Line>;
  /** Expects these fields of the line about a request. */
  expect(requestId: string, wanted: Line): Promise<void>;
}

const idOf = (requestId: string): Record<string, string> => ({ "X-Request-Id": requestId });

async function withLog(runtime: Runtime, kind: string, use: (logged: Logged) => Promise<void>): Promise<void> {
  const server: TestServer = await startScript(runtime, "logged-server.ts", { root: kind });
  const peers = new Peers(server.url);
  const lines = (): Line[] =>
    String(server.program.stdout.bytes())
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as Line);
  const line = (type: string, requestId: string): Promise<Line> =>
    until(`the line about the ${type} ${requestId} in\n${server.program.output}`, async () =>
      lines().find((each) => each["type"] === type && each["phase"] !== "begin" && each["requestId"] === requestId),
    );
  const expect = async (requestId: string, wanted: Line): Promise<void> => {
    const found = await line("request", requestId);
    const fields = Object.fromEntries(Object.keys(wanted).map((name) => [name, found[name]]));
    assert.deepEqual(fields, wanted, JSON.stringify(found));
    assert.equal(found["peer"], "127.0.0.1");
    assert.equal(typeof found["durationMs"], "number");
  };
  try {
    await use({ peers, url: server.url, line, expect });
  } finally {
    peers.dispose();
    await server.stop();
  }
}

for (const runtime of RUNTIMES) {
  for (const [kind, where] of [
    ["native", `mounted on ${runtime}`],
    ["node", `on the command's server, on ${runtime}`],
  ] as const) {
    describe(`the log of requests ${where}`, { timeout: 60_000 }, () => {
      it("counts what was read, stored or refused over HTTP", () =>
        withLog(runtime, kind, async ({ peers, line, expect }) => {
          const target = "/logs/a.txt";
          const send = async (id: string, method: string, at: string, headers = {}, body?: string): Promise<void> => {
            const more = body === undefined ? {} : { body };
            await peers.send({ method, target: at, headers: { ...headers, ...idOf(id) }, ...more });
          };
          await send("put", "PUT", `${target}?verb=APPEND`, {}, "hello");
          await send("read", "GET", target);
          await send("range", "GET", target, { Range: "bytes=1-2" });
          await send("head", "HEAD", target);
          await send("list", "GET", "/logs/", { Accept: "application/json" });
          await send("none", "GET", "/logs/none.txt");
          await send("stale", "PUT", `${target}?verb=APPEND&offset=1`, {}, "hello");
          await expect("put", { method: "PUT", target, status: 200, bytes: 5, reason: "complete" });
          await expect("read", { method: "GET", target, status: 200, bytes: 5, reason: "complete" });
          await expect("range", { status: 206, bytes: 2, reason: "complete" });
          await expect("head", { method: "HEAD", status: 200, bytes: 0, reason: "complete" });
          await expect("none", { status: 404, bytes: 0, reason: "not_found" });
          await expect("stale", { status: 412, bytes: 0, reason: "precondition_failed" });
          assert.ok(Number((await line("request", "list"))["bytes"]) > 0);
          assert.equal((await line("append", "put"))["bytes"], 5);
          assert.equal((await line("refusal", "none"))["code"], "not_found");
        }));

      it("counts what passes through WebSockets and live bodies, once they have ended", () =>
        withLog(runtime, kind, async ({ peers, url, line, expect }) => {
          const path = "logs/a.txt";
          const appender = await V1Peer.open(url, { target: `/${path}?verb=APPEND`, headers: idOf("append") });
          await appender.control("start");
          const classic = await peers.follower(path, { headers: idOf("classic") });
          const v1 = await V1Peer.open(url, { target: `/${path}?verb=FOLLOW`, headers: idOf("v1") });
          const live = await peers.exchange({ target: `/${path}?verb=FOLLOW`, headers: idOf("live") });
          const leaver = await peers.exchange({ target: `/${path}?verb=FOLLOW`, headers: idOf("leaver") });
          await appender.send("hello");
          await Promise.all([classic.received.atLeast(5), live.body.atLeast(5), leaver.body.atLeast(5)]);
          leaver.connection.drop();
          await expect("leaver", { status: 200, bytes: 5, reason: "gone" });
          await appender.finish();
          await v1.control("end");
          await expect("append", { method: "GET", target: `/${path}`, status: 101, bytes: 5, reason: "complete" });
          await expect("classic", { status: 101, bytes: 5, reason: "complete" });
          await expect("v1", { status: 101, bytes: 5, reason: "complete" });
          await expect("live", { status: 200, bytes: 5, reason: "complete" });
          assert.equal((await line("append", "append"))["reason"], "complete");
          for (const id of ["classic", "v1", "live"]) assert.equal((await line("follow", id))["bytes"], 5);
        }));

      it("says that a client left before it had read everything", () =>
        withLog(runtime, kind, async ({ peers, line }) => {
          await peers.put("logs/large.bin", Buffer.alloc(LARGE_BYTES));
          const read = await peers.exchange({ target: "/logs/large.bin", headers: idOf("read") });
          assert.equal((await read.head).status, 200);
          read.connection.socket.pause();
          read.connection.drop();
          const { bytes, reason } = await line("request", "read");
          assert.equal(reason, "gone");
          assert.ok(Number(bytes) < LARGE_BYTES, String(bytes));
        }));

      it("says that an upgrade was refused", () =>
        withLog(runtime, kind, async ({ peers, expect }) => {
          const headers = { ...OFFER, ...idOf("upgrade") };
          await (await peers.upgrade("/logs/none.txt?verb=FOLLOW", { headers })).response();
          await expect("upgrade", { status: 404, bytes: 0, reason: "not_found" });
        }));
    });
  }
}
