/**
 * Many clients that write to one stream, and to very many. `ROUNDS=100 npm test -- --only durable/writers` takes minutes.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { within } from "../fixture/until.ts";
import { CLOSED, JSON_TYPE, producer, StreamServer, sendTo, TEXT } from "./streams.ts";

const CLIENTS = 100;
const PATHS = 1_000;
const ROUNDS = Number(process.env["ROUNDS"] ?? 2);
const TIMEOUT_MS = 120_000 + 30_000 * ROUNDS;

/** Runs a client for each number, all at once. */
async function everyone(client: (at: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: CLIENTS }, (_, at) => client(at)));
}

/** The messages `client:number` of each client, in the order in which they are stored. */
function byClient(messages: readonly string[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const message of messages) {
    const [client = "", number] = message.split(":");
    numbers.set(client, [...(numbers.get(client) ?? []), Number(number)]);
  }
  return numbers;
}

describe("a hundred clients", { timeout: TIMEOUT_MS }, () => {
  let server: StreamServer;

  before(async () => {
    server = await StreamServer.start();
  });
  after(async () => {
    await server?.remove();
  });

  it("write to one stream: none is refused, each one's order holds, and followers stay", async () => {
    await server.expect(201, "PUT", "one", JSON_TYPE);
    const url = `${server.url}/one`;
    const follow = fetch(`${url}?verb=FOLLOW`).then((response) => response.text());
    const events = await fetch(`${url}?offset=-1&live=sse`);
    const live = events.text();
    await everyone(async (at) => {
      for (let seq = 0; seq < ROUNDS * 4; seq++) {
        const headers = { ...JSON_TYPE, ...producer([`c${at}`, 0, seq]) };
        const { status, text } = await sendTo(server.url, "POST", "one", headers, `"c${at}:${seq}"`);
        assert.equal(status, 200, text);
      }
    });
    await server.expect(204, "POST", "one", CLOSED);
    const stored = server.stored("one");
    const messages = stored.trimEnd().split("\n");
    assert.equal(messages.length, CLIENTS * ROUNDS * 4);
    const want = Array.from({ length: ROUNDS * 4 }, (_, seq) => seq);
    const numbers = byClient(messages.map((line) => JSON.parse(line) as string));
    assert.equal(numbers.size, CLIENTS);
    for (const [client, seen] of numbers) assert.deepEqual(seen, want, client);
    assert.equal(await within(follow, "the end of the follow"), stored);
    const seen = (await within(live, "the end of the events")).match(/(?<=^event: data\ndata:).*/gm) ?? [];
    assert.deepEqual(
      seen.flatMap((array) => JSON.parse(array) as string[]),
      messages.map((line) => JSON.parse(line) as string),
    );
  });

  it("write to a thousand streams: none is refused, and nothing is lost or doubled", async () => {
    const paths = Array.from({ length: PATHS }, (_, at) => `many/${at % 10}/${at}`);
    await everyone(async (at) => {
      for (let next = at; next < PATHS; next += CLIENTS) await server.expect(201, "PUT", paths[next] ?? "", TEXT);
    });
    await everyone(async (at) => {
      for (let count = 0; count < ROUNDS * 4; count++) {
        // Each client begins elsewhere, so that some meet at a path and most do not.
        const path = paths[(at * 37 + count * 101) % PATHS] ?? "";
        await server.expect(200, "POST", path, { ...TEXT, ...producer([`c${at}-${count}`, 0, 0]) }, `c${at}:${count} `);
      }
    });
    const messages = paths.flatMap((path) => server.stored(path).split(" ").filter(Boolean));
    assert.equal(messages.length, CLIENTS * ROUNDS * 4);
    for (const [client, seen] of byClient(messages)) {
      const want = Array.from({ length: ROUNDS * 4 }, (_, count) => count);
      assert.deepEqual(
        seen.sort((one, other) => one - other),
        want,
        client,
      );
    }
  });
});
