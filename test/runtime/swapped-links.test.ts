/** Section 6 of the wire contract: a local user swaps symbolic links during requests, and no byte leaves or enters. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { executable, Program, RUNTIMES, scriptArguments } from "../fixture/processes.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** Requests of each kind. Without protection a few dozen are enough for a leak. */
const ROUNDS = 60;

const AT_ONCE = 8;

/** The content of the files outside the root, and of no other file. */
const SECRET = "outside-secret";

/** Requests that read bytes, names and sizes, and requests that write some. */
function requests(round: number): { method: string; target: string; body?: string }[] {
  const within = ["link", "folder"].flatMap((folder) => [
    { method: "GET", target: `${folder}/file.txt` },
    { method: "HEAD", target: `${folder}/only-outside.txt` },
    { method: "GET", target: `${folder}/` },
    { method: "POST", target: `${folder}/file.txt?verb=APPEND`, body: "x" },
    { method: "PUT", target: `${folder}/new-${round % 20}.txt?verb=APPEND`, body: "x" },
    { method: "PUT", target: `${folder}/deep-${round % 20}/er/a.txt?verb=APPEND`, body: "x" },
  ]);
  return [
    ...within,
    { method: "GET", target: "file.txt" },
    { method: "GET", target: "file.txt?verb=FOLLOW" },
    { method: "POST", target: "file.txt?verb=APPEND", body: "x" },
  ];
}

/** The paths in a folder, and the content of its files. */
function contents(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return `${path} ${entry.isFile() ? readFileSync(path, "utf8") : ""}`;
  });
}

/** Sends all requests; returns those that leaked something, and how many succeeded. */
async function tryAll(url: string): Promise<{ leaks: Set<string>; worked: number }> {
  const leaks = new Set<string>();
  const all = Array.from({ length: ROUNDS }, (_, round) => requests(round)).flat();
  let worked = 0;
  const work = async (): Promise<void> => {
    for (let next = all.shift(); next; next = all.shift()) {
      const { target, ...init } = next;
      // The server cuts the connection if the file is no longer the one that the headers describe.
      const response = await fetch(`${url}/${target}`, { ...init, headers: { Accept: "application/json" } }).catch(
        () => {},
      );
      const text = await response?.text().catch(() => "");
      if (!response || text === undefined) continue;
      if (response.ok) worked++;
      if (text.includes(SECRET) || text.includes('"only-outside.txt"') || (response.ok && init.method === "HEAD")) {
        leaks.add(`${init.method} ${target}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { leaks, worked };
}

describe("symbolic links that are swapped during requests", { timeout: 240_000 }, () => {
  for (const runtime of RUNTIMES) {
    it(`lead no byte out of the root and none in, on ${runtime}`, async () => {
      const outside = await temporaryFolder("outside");
      writeFileSync(join(outside, "file.txt"), SECRET);
      writeFileSync(join(outside, "only-outside.txt"), SECRET);
      const before = contents(outside);
      const server = await startStandalone(runtime);
      const swapper = new Program(await executable("node"), [
        ...scriptArguments("node", "test/fixture/link-swapper.ts"),
        server.root,
        outside,
      ]);
      try {
        await swapper.printed(/swapping/);
        const { leaks, worked } = await tryAll(server.url);
        assert.deepEqual([...leaks], [], "went out");
        assert.deepEqual(contents(outside), before, "went in");
        assert.ok(worked > 0, "nothing ever worked");
        assert.equal((await fetch(`${server.url}/real/file.txt`)).status, 200, "the server is there");
        assert.equal(swapper.stdout.ended, false, `the swapper ended: ${swapper.output}`);
      } finally {
        await swapper.stop("SIGKILL");
        await server.stop();
        await removeFolder(outside);
      }
    });
  }
});
