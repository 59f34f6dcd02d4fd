/** Requests that wait behind others on a connection open nothing, and leave nothing behind when it is gone. */
import assert from "node:assert/strict";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { requestHead } from "../fixture/http.ts";
import { until } from "../fixture/until.ts";
import { type Fault, faultTest } from "./standalone.ts";

/** How many follows are active, according to the server's log. */
function following({ server }: Fault): number {
  const count = (what: string): number => server.program.output.split(`follow ${what}`).length - 1;
  return count("begins") - count("ends");
}

/** Opens a connection and sends the same request `times` times without waiting for responses. */
async function pipeline({ peers, server }: Fault, target: string, times: number, init: object = {}) {
  const { connection } = await peers.exchange({ target, headers: { Connection: "keep-alive" }, ...init });
  const head = requestHead(server.url, { target, headers: { Connection: "keep-alive" }, ...init });
  await connection.write(head.repeat(times - 1));
  return connection;
}

const options = { skip: NO_DESCRIPTORS };

faultTest("pipelined follows whose client has left have all ended", options, async (fault) => {
  const { peers, server, root } = fault;
  const appender = await peers.appender("a.txt");
  await appender.text("text");
  for (const how of ["drop", "reset"] as const) {
    const connections = await Promise.all(Array.from({ length: 5 }, () => pipeline(fault, "/a.txt?verb=FOLLOW", 10)));
    await until("the first of each connection to follow", () => following(fault) >= connections.length);
    for (const connection of connections) connection[how]();
    await until("all follows to end", () => following(fault) === 0);
  }
  await appender.finish();
  await until("every file to be closed", () => openFiles(root, server.pid).every((file) => !file.includes("a.txt")));
  assert.equal((await peers.stored("a.txt")).toString(), "text");
});

faultTest(
  "pipelined downloads wait for their turn, and never begin if their client has left",
  options,
  async (fault) => {
    const { peers, server, root } = fault;
    await peers.put("a.bin", Buffer.alloc(20_000_000));
    const opened = (): number => openFiles(root, server.pid).filter((file) => file.includes("a.bin")).length;
    const connections = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const connection = await pipeline(fault, "/a.bin", 200);
        connection.socket.pause();
        return connection;
      }),
    );
    await until("the first downloads to be under way", () => opened() >= 1);
    assert.equal((await peers.send({ target: "/a.bin", method: "HEAD" })).status, 200);
    // The file that HEAD opened is closed after its response.
    await until("no more files to be open than downloads", () => opened() <= connections.length);
    for (const connection of connections) connection.reset();
    await until("every file to be closed", () => opened() === 0);
    assert.equal((await peers.send({ target: "/a.bin", method: "HEAD" })).status, 200);
  },
);

faultTest("an append that waits behind a follow takes its path only when its turn comes", options, async (fault) => {
  const { peers, server } = fault;
  const appender = await peers.appender("a.txt");
  const connection = await pipeline(fault, "/a.txt?verb=FOLLOW", 1);
  await until("the follow to begin", () => following(fault) === 1);
  const headers = { Connection: "keep-alive" };
  await connection.write(
    `${requestHead(server.url, { method: "POST", target: "/b.txt?verb=APPEND", headers, body: "later" })}later`,
  );
  await peers.put("b.txt", "sooner");
  await appender.finish();
  await until("the append that waited to be stored", async () => {
    return (await peers.stored("b.txt")).toString() === "soonerlater";
  });
});

faultTest("thousands of requests behind a follow cost little, and end with the connection", options, async (fault) => {
  const { peers } = fault;
  const appender = await peers.appender("a.txt");
  const connection = await pipeline(fault, "/a.txt?verb=FOLLOW", 1);
  await until("the follow to begin", () => following(fault) === 1);
  void connection.write("GET /a.txt?verb=FOLLOW HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20_000));
  // The server closes the connection without reading further.
  await until("the follow to end", () => following(fault) === 0);
  await appender.finish();
});

// Bun does not process a request before it has answered the previous one.
const eager = { ...options, runtimes: ["node", "deno"] as const };

faultTest("an upgrade behind a running response writes nothing into it", eager, async (fault) => {
  const { peers } = fault;
  const appender = await peers.appender("a.txt");
  await appender.text("text");
  const follow = await peers.exchange({ target: "/a.txt?verb=FOLLOW", headers: { Connection: "keep-alive" } });
  await follow.body.atLeast(4);
  const upgrade = "GET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  const key = Buffer.alloc(16, 1).toString("base64");
  await follow.connection.write(`${upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
  await appender.text(" and more");
  await assert.rejects(follow.body.all(), /broke off/);
  await appender.finish();
});
