/** The chaos test, for some seconds: `npm run chaos` goes on for as long as anybody likes. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Durability } from "../../src/stores/file/durability.ts";
import { type Exit, PROJECT, Program, type Runtime } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { within } from "../fixture/until.ts";

/** How long paths are begun; it takes about as long again until all have come to their end. */
const SECONDS = 5;

/** Milliseconds that a run may take: less than the file may, so that it can still say what it was waiting for. */
const PATIENCE_MS = 200_000;

/** Starts a short run. */
function chaos(args: readonly string[], env: Record<string, string> = {}): Program {
  const script = join(PROJECT, "scripts", "run.mjs");
  const minutes = String(SECONDS / 60);
  return new Program(process.execPath, [script, "scripts/chaos/main.ts", "--minutes", minutes, ...args], { env });
}

/** How a run ended; one that does not end is killed, and the error says how far it came. */
async function ended(program: Program): Promise<Exit> {
  try {
    return await within(program.exited, "the run to end", PATIENCE_MS);
  } catch (error) {
    program.child.kill("SIGTERM");
    throw new Error(`${(error as Error).message}; it had printed:\n${program.output}`);
  }
}

describe("chaos", { concurrency: 4 }, () => {
  const runs: [Runtime, number, Durability][] = [
    ["node", 7, "disk"],
    ["node", randomInt(2 ** 32), "os"],
    ["deno", 3, "disk"],
    ["bun", 5, "os"],
  ];
  const seen = { faults: 0, clocks: 0, pipelined: 0 };
  after(() => {
    assert.ok(seen.faults > 0, "no connection was ever struck");
    assert.ok(seen.clocks > 0, "no clock was ever set");
    assert.ok(seen.pipelined > 0, "no client pipelined requests");
  });
  for (const [runtime, seed, durability] of runs) {
    test(`no byte is lost or doubled with servers on ${runtime}, the level ${durability} and the seed ${seed}`, async (t) => {
      const settings = ["--runtime", runtime, "--durability", durability, "--paths", "3", "--followers", "2"];
      const program = chaos(["--seed", String(seed), ...settings]);
      const { code } = await ended(program);
      assert.equal(code, 0, program.output);
      const report = program.stdout.bytes().toString();
      t.diagnostic(report);
      assert.match(report, new RegExp(`^seed +${seed}$`, "m"));
      // Every server is struck before the time is over; what strikes the connections of so few clients is up to the seed.
      assert.match(report, /^servers .*; \d+ (kill -9|SIG\w+|slow disk)/m);
      assert.match(report, /^compared .*[1-9]\d* files/m);
      for (const kind of ["faults", "clocks", "pipelined"] as const) {
        const line = new RegExp(`^${kind} .*`, "m").exec(report)?.[0] ?? "";
        for (const [, count] of line.matchAll(/(?: |, )(\d+) [a-z]/g)) seen[kind] += Number(count);
      }
    });
  }
});

describe("a byte that is not what it was", () => {
  let folder: string;

  before(async () => {
    folder = await temporaryFolder("chaos-test");
  });
  after(() => removeFolder(folder));

  test("is found, and everything is kept", async () => {
    const program = chaos(["--seed", "1", "--paths", "2", "--followers", "1"], { TMPDIR: folder });
    let ended = false;
    const exited = program.exited.finally(() => {
      ended = true;
    });
    while (!ended) await spoil(folder);
    assert.equal((await exited).code, 1, program.output);
    const report = program.stdout.bytes().toString();
    assert.match(report, /problems?:\n(.*\n)* {2}\/lane-\d\/\d+\.bin: the SHA-256 of /);
    assert.match(report, /^Again: npm run chaos -- --minutes \S+ --seed 1 --paths 2 --followers 1 /m);
    const [kept = ""] = await readdir(folder);
    assert.ok(report.includes(`The files are in ${join(folder, kept)}.`), report);
    assert.ok((await stat(join(folder, kept, "servers.log"))).isFile());
    assert.ok((await readdir(join(folder, kept, "root"))).some((name) => name.startsWith("lane-")));
  });
});

test("what it is told wrongly it refuses, and it explains itself", async () => {
  const [wrong, help] = [chaos(["--runtime", "browser"]), chaos(["--help"])];
  assert.equal((await wrong.exited).code, 2, wrong.output);
  assert.match(wrong.stderr.bytes().toString(), /--runtime is one of node, deno, bun, not "browser"/);
  assert.equal((await help.exited).code, 0);
  assert.match(help.stdout.bytes().toString(), /--minutes N .*\n(.*\n)*.*--seed N /);
});

/** Changes the first byte of every file below a folder, without changing its size. */
async function spoil(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const { name, parentPath } of entries.filter(({ name }) => name.endsWith(".bin"))) {
    const file = await open(join(parentPath, name), "r+").catch(() => undefined);
    const { size = 0 } = (await file?.stat()) ?? {};
    if (size > 0) await file?.write("?", 0);
    await file?.close();
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
