/**
 * Streams whose server kills itself at one of the changes that it makes to files during a request: the request is whole or not
 * there, and can be repeated, at its successor and at another process that has lived on. `POINTS=all npm test -- --only
 * streams-points` tries every change, and not only those with names.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { StreamServer } from "../durable/streams.ts";
import type { TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { CASES, type Case, CRASH_POINT, checkAt, dieAt, placeAt } from "./points.ts";

const TRIES_ALL = process.env["POINTS"] === "all";

/** More changes than any request makes. */
const MOST = 200;

for (const durability of ["os", "disk"] as const) {
  describe(`a server that dies at a change of a file (${durability})`, { concurrency: 2 }, () => {
    for (const [what, each] of Object.entries(CASES)) {
      test(`during ${what}: ${Object.keys(each.points).join("; ")}`, { timeout: 290_000 }, async () => {
        const folder = await temporaryFolder("points");
        const armed = join(folder, "armed");
        const args = ["--durability", durability];
        const server = await StreamServer.start({ args, preload: CRASH_POINT, env: { CRASH_POINT: armed } });
        try {
          const other = await server.another();
          await tryAll(each, { server, other, armed }).finally(() => other.kill9());
        } finally {
          await server.remove();
          await removeFolder(folder);
        }
      });
    }
  });
}

/** Lets the server die at one change after the other. */
async function tryAll(
  each: Case,
  { server, other, armed }: { server: StreamServer; other: TestServer; armed: string },
): Promise<void> {
  const all = Array.from({ length: MOST }, (_, at) => [`change ${at + 1}`, String(at + 1)]);
  const points = TRIES_ALL ? all : Object.entries(each.points);
  for (const [at, [when = "", point = ""]] of points.entries()) {
    const folder = `at-${at}`;
    const met = await dieAt(point, each, { server, folder, armed });
    if (met === undefined) {
      assert.ok(TRIES_ALL, `the server did not come to the point "${when}"`);
      return;
    }
    await server.restart();
    // Half of the points are left to the process that has lived on.
    const place = placeAt(server, at % 2 === 0 ? server.url : other.url);
    await checkAt(`${point}, ${met} (${when})`, each, place, folder);
  }
}
