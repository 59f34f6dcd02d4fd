/**
 * Streams whose server kills itself at one of the changes that it makes to files during a request, for each of them in turn:
 * the request is whole or not there, and can be repeated. `POINTS=all npm test -- --only streams-points` tries every change;
 * otherwise every eighth, from a random one on.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { CLOSED, JSON_TYPE, producer, StreamServer, sendTo, TEXT } from "../durable/streams.ts";
import { PROJECT } from "../fixture/processes.ts";
import type { TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const STEP = process.env["POINTS"] === "all" ? 1 : 8;

/** More changes than any request makes. */
const MOST = 200;

/** Two servers on one root: the first dies, the other one or its successor must go on. */
interface Place {
  /** The one that receives the request, and dies. */
  readonly server: StreamServer;
  /** Sends to the server that is to go on. */
  send(status: number | readonly number[], method: string, path: string, more?: Sent): ReturnType<typeof sendTo>;
}

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** What is done to the streams below a folder. */
interface Case {
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

const CASES: Record<string, Case> = {
  "PUT with a body": {
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
    prepare: twoAppends,
    run: (server, folder) =>
      Promise.all(
        ["p", "q"].map((id) => {
          const numbers = producer(id === "p" ? ["p", 3, 2] : ["q", 0, 0]);
          return server.send("POST", `${folder}/a`, { ...TEXT, ...numbers }, id);
        }),
      ),
    async check(place, folder) {
      const before = await read(place, `${folder}/a`);
      for (const [id, stamp] of [
        ["p", ["p", 3, 2]],
        ["q", ["q", 0, 0]],
      ] as const) {
        const sent = { headers: { ...TEXT, ...producer(stamp) }, body: id };
        await place.send(before.includes(id) ? 204 : 200, "POST", `${folder}/a`, sent);
      }
      assert.match(place.server.stored(`${folder}/a`), /^onetwo(pq|qp)$/);
    },
  },
  "an append with Stream-Seq": {
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

for (const durability of ["os", "disk"] as const) {
  describe(`a server that dies at any change of a file (${durability})`, { concurrency: 2 }, () => {
    for (const [what, each] of Object.entries(CASES)) {
      test(`during ${what}`, { timeout: 300_000 }, async (t) => {
        const folder = await temporaryFolder("points");
        const armed = join(folder, "armed");
        const args = ["--durability", durability];
        const preload = join(PROJECT, "test", "fixture", "crash-point.mjs");
        const server = await StreamServer.start({ args, preload, env: { CRASH_POINT: armed } });
        const other = await server.another();
        try {
          const points = await tryAll(each, { server, other, armed });
          t.diagnostic(points.join("; "));
        } finally {
          await other.kill9();
          await server.remove();
          await removeFolder(folder);
        }
      });
    }
  });
}

/** Lets the server die at one change after the other, until there are no more. Returns the changes. */
async function tryAll(
  { prepare, run, check }: Case,
  { server, other, armed }: { server: StreamServer; other: TestServer; armed: string },
): Promise<string[]> {
  const points: string[] = [];
  for (let point = randomInt(STEP) + 1; point < MOST; point += STEP) {
    const folder = `at-${point}`;
    await prepare(server, folder);
    writeFileSync(armed, String(point));
    const isAnswered = await run(server, folder).then(
      () => true,
      () => false,
    );
    if (isAnswered) {
      rmSync(armed);
      return points;
    }
    await server.ended();
    rmSync(armed);
    const met = `${point}, ${readFileSync(`${armed}.met`, "utf8").replaceAll(server.root, "")}`;
    points.push(met);
    await server.restart();
    // Half of the points are left to the process that has lived on.
    const url = points.length % 2 === 0 ? server.url : other.url;
    const send: Place["send"] = async (status, method, path, { headers, body } = {}) => {
      const answer = await sendTo(url, method, path, headers, body);
      assert.ok([status].flat().includes(answer.status), `${method} /${path} got ${answer.status}: ${answer.text}`);
      return answer;
    };
    await check({ server, send }, folder).catch((error: Error) => {
      throw new Error(`after the death at ${met}: ${error.message}`, { cause: error });
    });
  }
  throw new Error(`a request made more than ${MOST} changes`);
}
