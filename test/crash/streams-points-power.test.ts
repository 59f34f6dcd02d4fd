/**
 * A power cut at the moment at which a server is in the midst of a request, at the level `disk`. Tries every second request;
 * `POINTS=named npm test -- --only streams-points-power` tries each.
 */
import assert from "node:assert/strict";
import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { StreamServer } from "../durable/streams.ts";
import { CrashingDisk, noCrashingDisk } from "../fixture/crashing-disk.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { CASES, type Case, CRASH_POINT, checkAt, dieAt, placeAt } from "./points.ts";

const ARGS = ["--durability", "disk", "--limit", "storeFreeBytes=0"];
const skip = (await noCrashingDisk()) ?? false;

const step = process.env["POINTS"] ? 1 : 2;

for (const [index, [what, each]] of Object.entries(CASES).entries()) {
  if (index % step > 0) continue;
  // The last one of each: the power cut may take back what comes before.
  const [when, point] = Object.entries(each.points).at(-1) as [string, string];
  test(`a power cut during ${what}: ${when}`, { skip, timeout: 120_000 }, () => cutAt(point, each));
}

async function cutAt(point: string, each: Case): Promise<void> {
  const folder = await temporaryFolder("points");
  const armed = join(folder, "armed");
  const disks: CrashingDisk[] = [await CrashingDisk.make()];
  const servers: StreamServer[] = [];
  try {
    const [disk] = disks as [CrashingDisk];
    const options = { args: ARGS, preload: CRASH_POINT, env: { CRASH_POINT: armed } };
    const server = await StreamServer.start({ ...options, root: disk.folder });
    servers.push(server);
    const met = await dieAt(point, each, { server, folder: "at", armed });
    assert.ok(met !== undefined, "the server did not come to the point");
    const next = await disk.cut();
    disks.push(next);
    // A system takes longer to start than a sign of life is valid.
    const signs = join(next.folder, ".httpfstream", "servers");
    for (const name of await readdir(signs)) await utimes(join(signs, name), 0, 0);
    const again = await StreamServer.start({ root: next.folder, args: ARGS, through: next.afterStart });
    servers.push(again);
    await checkAt(met, each, placeAt(again, again.url), "at");
  } finally {
    for (const server of servers) await server.remove();
    for (const disk of disks) await disk.remove();
    await removeFolder(folder);
  }
}
