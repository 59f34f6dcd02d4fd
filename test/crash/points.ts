/** Requests to streams, and what must hold if the server dies at any change of a file that it makes for them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLOSED, JSON_TYPE, producer, type StreamServer, sendTo, TEXT } from "../durable/streams.ts";
import { PROJECT } from "../fixture/processes.ts";
import { until } from "../fixture/until.ts";

/** The module that a server preloads so that it dies at a change. */
export const CRASH_POINT: string = join(PROJECT, "test", "fixture", "crash-point.mjs");

/** How a line of the log of a stream begins: with a checksum. */
const NOTE = "\\w{8} .{1,3}file";

/** Where it goes on after a server has died. */
export interface Place {
  /** A server on the root. */
  readonly server: StreamServer;
  /** Sends to the server that is to go on. */
  send(status: number | readonly number[], method: string, path: string, more?: Sent): ReturnType<typeof sendTo>;
}

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** What is done to the streams below a folder, and what must hold whenever the server dies meanwhile. */
export interface Case {
  /** When it dies: a description, and for `crash-point.mjs` the number of the change, among those that match an expression. */
  readonly points: Readonly<Record<string, string>>;
  prepare(server: StreamServer, folder: string): Promise<unknown>;
  /** Sends what the server dies at. */
  run(server: StreamServer, folder: string): Promise<unknown>;
  check(place: Place, folder: string): Promise<void>;
}

function produced(seq: number, body: string, more: Record<string, string> = {}, epoch = 3): Sent {
  return { headers: { ...TEXT, ...producer(["p", epoch, seq]), ...more }, body };
}

async function twoAppends(server: StreamServer, folder: string): Promise<void> {
  await server.expect(201, "PUT", `${folder}/a`, TEXT);
  await server.produce(200, `${folder}/a`, ["p", 3, 0], "one");
  await server.produce(200, `${folder}/a`, ["p", 3, 1], "two");
}

async function forked(server: StreamServer, folder: string): Promise<void> {
  await server.expect(201, "PUT", `${folder}/source`, TEXT, "common");
  await server.expect(201, "PUT", `${folder}/fork`, forkOf(folder));
}

function forkOf(folder: string): Record<string, string> {
  return { "Stream-Forked-From": `/${folder}/source` };
}

/** The text of a stream, and whether it is closed. */
async function read({ send }: Place, path: string): Promise<string> {
  const { text, headers } = await send(200, "GET", path);
  return headers.get("stream-closed") === "true" ? `${text}, closed` : text;
}

/** A source that was removed with its last fork is gone, and its path is free. */
async function expectFree({ send }: Place, path: string): Promise<void> {
  await until(`/${path} to be gone`, async () => (await send([404, 410], "GET", path)).status === 404);
  await send(201, "PUT", path, { headers: TEXT });
}

/** The requests, by name. */
export const CASES: Record<string, Case> = {
  "PUT with a body": {
    points: {
      "the file is there, and nothing of its record": "1 linkSync",
      "half of its bytes are written": "1 half of writeSync body",
    },
    prepare: async () => {},
    run: (server, folder) => server.send("PUT", `${folder}/a`, TEXT, "body"),
    async check(place, folder) {
      const { status, text } = await place.send([200, 404], "GET", `${folder}/a`);
      assert.ok(status === 404 || text === "" || text === "body", text);
      await place.send([200, 201], "PUT", `${folder}/a`, { headers: TEXT, body: "body" });
      assert.equal(await read(place, `${folder}/a`), "body");
      await place.send(200, "POST", `${folder}/a`, produced(0, "!"));
      assert.equal(place.server.stored(`${folder}/a`), "body!");
    },
  },
  "the first append of a new epoch": {
    points: {
      "half of its note is written": `1 half of writeSync ${NOTE}`,
      "its note is there, and none of its bytes": "1 ^writeSync new",
      "half of its bytes are written": "1 half of writeSync new",
    },
    prepare: twoAppends,
    run: (server, folder) => server.send("POST", `${folder}/a`, produced(0, "new", {}, 4).headers, "new"),
    async check(place, folder) {
      const before = await read(place, `${folder}/a`);
      assert.ok(["onetwo", "onetwonew"].includes(before), before);
      await place.send(before === "onetwo" ? 200 : 204, "POST", `${folder}/a`, produced(0, "new", {}, 4));
      await place.send(403, "POST", `${folder}/a`, produced(2, "zombie"));
      assert.equal(place.server.stored(`${folder}/a`), "onetwonew");
    },
  },
  "two producers in one batch": {
    points: {
      "half of a batch is written": "1 half of writeSync <",
    },
    prepare: twoAppends,
    run: (server, folder) =>
      Promise.all(
        ["p", "q"].map((id) => {
          const numbers = producer(id === "p" ? ["p", 3, 2] : ["q", 0, 0]);
          return server.send("POST", `${folder}/a`, { ...TEXT, ...numbers }, `<${id}>`);
        }),
      ),
    async check(place, folder) {
      const before = await read(place, `${folder}/a`);
      for (const [id, stamp] of [
        ["p", ["p", 3, 2]],
        ["q", ["q", 0, 0]],
      ] as const) {
        const sent = { headers: { ...TEXT, ...producer(stamp) }, body: `<${id}>` };
        await place.send(before.includes(`<${id}>`) ? 204 : 200, "POST", `${folder}/a`, sent);
      }
      assert.match(place.server.stored(`${folder}/a`), /^onetwo(<p><q>|<q><p>)$/);
    },
  },
  "an append with Stream-Seq": {
    points: {
      "its note is there, and none of its bytes": "1 ^writeSync 2",
      "half of its bytes are written": "1 half of writeSync 2",
    },
    prepare: (server, folder) => server.expect(201, "PUT", `${folder}/a`, JSON_TYPE, "[1]"),
    run: (server, folder) => server.send("POST", `${folder}/a`, { ...JSON_TYPE, "Stream-Seq": "b" }, "[2,3]"),
    async check(place, folder) {
      const before = await read(place, `${folder}/a`);
      assert.ok(["[1]", "[1,2,3]"].includes(before), before);
      const headers = { ...JSON_TYPE, "Stream-Seq": "b" };
      await place.send(before === "[1]" ? 204 : 409, "POST", `${folder}/a`, { headers, body: "[2,3]" });
      assert.equal(place.server.stored(`${folder}/a`), "1\n2\n3\n");
    },
  },
  "an append that closes": {
    points: {
      "its note is there, and none of its bytes": "1 ^writeSync end",
      "half of its bytes are written": "1 half of writeSync end",
    },
    prepare: twoAppends,
    run: (server, folder) => server.send("POST", `${folder}/a`, produced(2, "", CLOSED).headers, "end"),
    async check(place, folder) {
      const before = await read(place, `${folder}/a`);
      assert.ok(["onetwo", "onetwoend, closed"].includes(before), before);
      await place.send(before === "onetwo" ? 200 : 204, "POST", `${folder}/a`, produced(2, "end", CLOSED));
      await place.send(409, "POST", `${folder}/a`, produced(3, "more"));
      assert.equal(await read(place, `${folder}/a`), "onetwoend, closed");
    },
  },
  DELETE: {
    points: {
      "the file is gone, and its record is there": "1 unlinkSync",
      "the file is gone, and its log is there": "1 [.]log",
    },
    prepare: twoAppends,
    run: (server, folder) => server.send("DELETE", `${folder}/a`),
    async check(place, folder) {
      const { status, text } = await place.send([200, 404], "GET", `${folder}/a`);
      assert.equal(text === "onetwo", status === 200, text);
      await place.send(status === 200 ? 204 : 404, "DELETE", `${folder}/a`);
      await place.send(404, "GET", `${folder}/a`);
      assert.ok(!existsSync(place.server.file(`${folder}/a`)));
      await place.send(201, "PUT", `${folder}/a`, { headers: TEXT });
      await place.send(409, "POST", `${folder}/a`, produced(2, "three"));
    },
  },
  "a fork": {
    points: {
      "it is noted, and nothing is copied": "1 /forks/",
      "half of it is copied": "1 half of writeSync common",
      "all of it is copied, and it is not complete": `2 ^writeSync ${NOTE}`,
    },
    prepare: (server, folder) => server.expect(201, "PUT", `${folder}/source`, TEXT, "common"),
    run: (server, folder) => server.send("PUT", `${folder}/fork`, forkOf(folder)),
    async check(place, folder) {
      const { status, text } = await place.send([200, 404], "GET", `${folder}/fork`);
      // As after a PUT, the file may be there, and empty, before the stream is.
      assert.ok(status === 404 || text === "" || text === "common", text);
      await place.send(text === "common" ? 200 : 201, "PUT", `${folder}/fork`, { headers: forkOf(folder) });
      assert.equal(await read(place, `${folder}/fork`), "common");
      await place.send(204, "DELETE", `${folder}/fork`);
      await place.send(204, "DELETE", `${folder}/source`);
      await expectFree(place, `${folder}/source`);
    },
  },
  "DELETE of a forked source": {
    points: {
      "the tombstone is announced, and the file is there": "1 ^unlink .*/source$",
      "the file is gone, and its log is there": "1 [.]log",
      "the file is gone, and the tombstone is not there": '2 "deleted":true',
      "the tombstone is there": "1 [.]tombstone",
    },
    prepare: forked,
    run: (server, folder) => server.send("DELETE", `${folder}/source`),
    async check(place, folder) {
      const { status, text } = await place.send([200, 410], "GET", `${folder}/source`);
      if (status === 200) assert.equal(text, "common");
      await place.send(status === 200 ? 204 : 410, "DELETE", `${folder}/source`);
      await place.send(409, "PUT", `${folder}/source`, { headers: TEXT });
      assert.equal(await read(place, `${folder}/fork`), "common");
      await place.send(204, "DELETE", `${folder}/fork`);
      await expectFree(place, `${folder}/source`);
    },
  },
  "DELETE of the last fork": {
    points: {
      "the fork is gone, and noted": "1 /forks/",
      "the tombstone of its source is left": "2 [.]log",
    },
    async prepare(server, folder) {
      await forked(server, folder);
      await server.expect(204, "DELETE", `${folder}/source`);
    },
    run: (server, folder) => server.send("DELETE", `${folder}/fork`),
    async check(place, folder) {
      const { status } = await place.send([200, 404], "GET", `${folder}/fork`);
      if (status === 200) await place.send(204, "DELETE", `${folder}/fork`);
      await expectFree(place, `${folder}/source`);
    },
  },
};

/**
 * Sends the request of a case, at one of whose changes the server dies.
 *
 * @param armed The file that the server looks for.
 * @returns What it was about to do; undefined if it has answered instead.
 */
export async function dieAt(
  point: string,
  { prepare, run }: Case,
  { server, folder, armed }: { server: StreamServer; folder: string; armed: string },
): Promise<string | undefined> {
  await prepare(server, folder);
  // At once: the server, which renews its lease meanwhile, would take an empty file for the number of no change.
  writeFileSync(`${armed}.new`, point);
  renameSync(`${armed}.new`, armed);
  const isAnswered = await run(server, folder).then(
    () => true,
    () => false,
  );
  if (!isAnswered) await server.ended();
  rmSync(armed);
  return isAnswered ? undefined : readFileSync(`${armed}.met`, "utf8").replaceAll(server.root, "");
}

/** The place that a server is, by its URL. */
export function placeAt(server: StreamServer, url: string): Place {
  return {
    server,
    async send(status, method, path, { headers, body } = {}) {
      const answer = await sendTo(url, method, path, headers, body);
      assert.ok([status].flat().includes(answer.status), `${method} /${path} got ${answer.status}: ${answer.text}`);
      return answer;
    },
  };
}

/** Checks a case. The error says when the server has died. */
export async function checkAt(met: string, { check }: Case, place: Place, folder: string): Promise<void> {
  await check(place, folder).catch((error: Error) => {
    throw new Error(`after the death at ${met}: ${error.message}`, { cause: error });
  });
}
