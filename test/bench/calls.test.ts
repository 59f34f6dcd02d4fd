/** The benchmark's connection for one request after the other finds the end of each response. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { openCalls } from "../../scripts/bench/generator/connection.ts";

const RESPONSES = {
  "of known length": ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", "0123456789"],
  "of no length": ["HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", ""],
  "without a body": ["HTTP/1.1 204 No Content\r\n\r\n", ""],
  "in chunks": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0\r\n\r\r\n0a\r\n0123456789\r\n0\r\n\r\n",
    "0\r\n\r0123456789",
  ],
} as const;

describe("a connection for one request after the other", () => {
  /** The server answers with the next of these, and may end the connection after that. */
  let responses: string[] = [];
  let ends = false;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.setNoDelay(true).on("data", async () => {
      // In pieces, each in a read of its own.
      for (const byte of responses.shift() ?? "") {
        await new Promise<void>((resolve) => socket.write(byte, () => setImmediate(resolve)));
      }
      if (ends) socket.end();
    });
  });
  before(() => once(server.listen(0, "127.0.0.1"), "listening"));
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const open = () => {
    let received = "";
    const feed = (bytes: Buffer, from: number, to: number): void => {
      received += bytes.toString("latin1", from, to);
    };
    const calls = openCalls({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, head: "" }, { feed });
    return { ...calls, received: () => received };
  };

  test("finds the end of each kind of response, twice on one connection", async () => {
    const { call, connection, received } = open();
    const all = Object.values(RESPONSES);
    responses = [...all, ...all].map(([response]) => response);
    const before = sockets.length;
    let expected = "";
    for (const [response, body] of [...all, ...all]) {
      assert.equal(await call("GET / HTTP/1.1\r\n\r\n"), response.slice(0, response.indexOf("\r\n\r\n")));
      expected += body;
      assert.equal(received(), expected);
    }
    assert.equal(sockets.length, before + 1);
    connection().socket.destroy();
  });

  test("connects again after the server has closed the connection between two requests", async () => {
    const { call, connection } = open();
    responses = [RESPONSES["of no length"][0], RESPONSES["without a body"][0]];
    await call("GET / HTTP/1.1\r\n\r\n");
    const closed = once(connection().socket, "close");
    sockets.at(-1)?.destroy();
    await closed;
    assert.match(await call("GET / HTTP/1.1\r\n\r\n"), /204/);
    connection().socket.destroy();
  });

  test("rejects for a status that says that nothing was appended", async () => {
    const { call } = open();
    responses = ["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"];
    await assert.rejects(call("GET / HTTP/1.1\r\n\r\n"), /status 404/);
  });

  test("rejects if the connection ends within a response", async () => {
    const { call } = open();
    responses = ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"];
    ends = true;
    await assert.rejects(call("GET / HTTP/1.1\r\n\r\n"), /closed the connection/);
  });
});
