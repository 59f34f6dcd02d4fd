/**
 * Streams whose server kills itself at one of the changes that it makes to files during a request: the request is whole or not
 * there, and can be repeated, at its successor or at another process that has lived on. Without `POINTS`, tries one point of
 * each request; `POINTS=named npm test -- --only streams-points` tries all that have a name, and `POINTS=all` every change,
 * at both levels of durability. At `disk`, see also streams-points-power.
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
const TRIES_NAMED = process.env["POINTS"] === "named";

/** More changes than any request makes. */
const MOST = 200;

for (const durability of TRIES_ALL ? ["os", "disk"] : ["os"]) {
  describe(`a server that dies at a change of a file (${durability})`, { concurrency: 2 }, () => {
    for (const [index, [what, each]] of Object.entries(CASES).entries()) {
      const points = pointsOf(each);
      const named = TRIES_ALL ? "each of them" : points.map(([when]) => when).join("; ");
      test(`during ${what}: ${named}`, { timeout: 290_000 }, async () => {
        const folder = await temporaryFolder("points");
        const armed = join(folder, "armed");
        const args = ["--durability", durability];
        const server = await StreamServer.start({ args, preload: CRASH_POINT, env: { CRASH_POINT: armed } });
        try {
          const other = await server.another();
          await tryAll(each, { points, index, server, other, armed }).finally(() => other.kill9());
        } finally {
          await server.remove();
          await removeFolder(folder);
        }
      });
    }
  });
}

/** A change at which to die: what is known of it by then, and its name for the server. */
type Point = readonly [when: string, point: string];

function pointsOf({ points }: Case): Point[] {
  if (TRIES_ALL) return Array.from({ length: MOST }, (_, at) => [`change ${at + 1}`, String(at + 1)]);
  return Object.entries(points).slice(TRIES_NAMED ? 0 : -1);
}

interface Trial {
  readonly points: readonly Point[];
  readonly index: number;
  readonly server: StreamServer;
  readonly other: TestServer;
  readonly armed: string;
}

/** Lets the server die at one change after the other. */
async function tryAll(each: Case, { points, index, server, other, armed }: Trial): Promise<void> {
  for (const [at, [when, point]] of points.entries()) {
    const folder = `at-${at}`;
    const met = await dieAt(point, each, { server, folder, armed });
    if (met === undefined) {
      assert.ok(TRIES_ALL, `the server did not come to the point "${when}"`);
      return;
    }
    await server.restart();
    // Half of the points are left to the process that has lived on.
    const place = placeAt(server, (at + index) % 2 === 0 ? server.url : other.url);
    await checkAt(`${point}, ${met} (${when})`, each, place, folder);
  }
}
