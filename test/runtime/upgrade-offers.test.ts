/** Repeated requests with a body that offer an upgrade, on one connection, leave no listeners behind. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import process from "node:process";
import { it } from "node:test";
import { getRequestListener } from "@hono/node-server";
import { fstream, memoryStore } from "../../mod.ts";
import { injectWebSocket, serve } from "../../src/runtime/node/mod.ts";
import { Collected } from "../fixture/collected.ts";
import { Connection } from "../fixture/connection.ts";
import { readBody, readHead } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone } from "../fixture/servers.ts";

const REQUESTS = 40;

/** Appends single bytes with requests that offer an upgrade, and returns their connection. */
async function appendWithOffers(url: string, target: string): Promise<Connection> {
  const connection = await Connection.open(url);
  for (let at = 1; at <= REQUESTS; at++) {
    const method = at % 2 ? "POST" : "PUT";
    const upgrade = at % 3 ? "h2c" : "websocket";
    await connection.write(
      `${method} ${target}?verb=APPEND HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n` +
        "Content-Length: 1\r\n\r\nx",
    );
    const head = await readHead(connection);
    await readBody(connection, method, head, new Collected());
    assert.deepEqual([head.status, Number(head.headers.get("stream-next-offset"))], [200, at]);
  }
  return connection;
}

for (const runtime of RUNTIMES) {
  it(`upgrade offers cause no warning on ${runtime}`, { timeout: 60_000 }, async () => {
    const server = await startStandalone(runtime);
    (await appendWithOffers(server.url, "/a.txt")).drop();
    await server.stop();
    assert.doesNotMatch(server.program.output, /MaxListenersExceeded/);
  });
}

it("upgrade offers leave no listeners on a mount's connection", async () => {
  const app = fstream({ store: memoryStore() });
  const server = createServer(getRequestListener(app.fetch));
  injectWebSocket(server, app);
  const socket = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warned);
  const connection = await appendWithOffers(`http://127.0.0.1:${port}`, "/a.txt");
  const listening = await socket;
  for (const event of listening.eventNames()) {
    assert.ok(listening.listenerCount(event) < 5, `${String(event)}: ${listening.listenerCount(event)}`);
  }
  connection.drop();
  server.close();
  await app.close();
  process.off("warning", warned);
  assert.deepEqual(warnings, []);
});

it("upgrade offers leave no listeners on a connection of serve()", async () => {
  const app = fstream({ store: memoryStore() });
  const server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warned);
  (await appendWithOffers(`http://127.0.0.1:${server.port}`, "/a.txt")).drop();
  await app.close();
  await server.close(0);
  process.off("warning", warned);
  assert.deepEqual(warnings, []);
});
