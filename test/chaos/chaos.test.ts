/** Short runs of the chaos test; `npm run chaos` can run it for longer. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Durability } from "../../src/stores/file/durability.ts";
import { type Exit, PROJECT, Program, type Runtime } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { within } from "../fixture/until.ts";

/** How long new paths are started, in seconds; it takes about as long again until all of them have ended. */
const SECONDS = 5;

/** Timeout of a run, in milliseconds: less than that of the test file, so that a failure can still be reported. */
const PATIENCE_MS = 200_000;

/** Starts a short run. */
function chaos(args: readonly string[], env: Record<string, string> = {}): Program {
  const script = join(PROJECT, "scripts", "run.mjs");
  const minutes = String(SECONDS / 60);
  return new Program(process.execPath, [script, "scripts/chaos/main.ts", "--minutes", minutes, ...args], { env });
}

/** Waits for a run to end. A run that exceeds its timeout is terminated, and the error has its output so far. */
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
  const seen = { faults: 0, clocks: 0, pipelined: 0, streams: 0, requests: 0 };
  after(() => {
    assert.ok(seen.faults > 0, "no connection was ever struck");
    assert.ok(seen.clocks > 0, "no clock was ever set");
    assert.ok(seen.pipelined > 0, "no client pipelined requests");
    assert.ok(seen.streams > 0, "no stream was created");
    assert.ok(seen.requests > 0, "no request of a producer was answered");
  });
  for (const [runtime, seed, durability] of runs) {
    test(`no byte is lost or duplicated with servers on ${runtime}, the level ${durability} and the seed ${seed}`, async (t) => {
      const settings = ["--runtime", runtime, "--durability", durability, "--paths", "3", "--streams", "2"];
      settings.push("--followers", "2");
      const program = chaos(["--seed", String(seed), ...settings]);
      const { code } = await ended(program);
      assert.equal(code, 0, program.output);
      const report = program.stdout.bytes().toString();
      t.diagnostic(report);
      assert.match(report, new RegExp(`^seed +${seed}$`, "m"));
      // The time suffices for a fault of a server; faults of the connections of so few clients depend on the seed.
      assert.match(report, /^servers .*; \d+ (kill -9|SIG\w+|slow disk)/m);
      assert.match(report, /^compared .*[1-9]\d* files/m);
      assert.match(report, /^compared .*[1-9]\d* (removed )?streams/m);
      for (const kind of ["faults", "clocks", "pipelined", "streams", "requests"] as const) {
        const line = new RegExp(`^${kind} .*`, "m").exec(report)?.[0] ?? "";
        for (const [, count] of line.matchAll(/(?: |, )(\d+) [\da-z]/g)) seen[kind] += Number(count);
      }
    });
  }
});

describe("a changed byte", () => {
  let folder: string;

  before(async () => {
    folder = await temporaryFolder("chaos-test");
  });
  after(() => removeFolder(folder));

  test("is found, and all files are kept", async () => {
    const program = chaos(["--seed", "1", "--paths", "2", "--streams", "0", "--followers", "1"], { TMPDIR: folder });
    let ended = false;
    const exited = program.exited.finally(() => {
      ended = true;
    });
    while (!ended) await spoil(folder);
    assert.equal((await exited).code, 1, program.output);
    const report = program.stdout.bytes().toString();
    assert.match(report, /problems?:\n(.*\n)* {2}\/lane-\d\/\d+\.bin: the SHA-256 of /);
    assert.match(report, /^Again: npm run chaos -- --minutes \S+ --seed 1 --paths 2 --streams 0 --followers 1 /m);
    const [kept = ""] = await readdir(folder);
    assert.ok(report.includes(`The files are in ${join(folder, kept)}.`), report);
    assert.ok((await stat(join(folder, kept, "servers.log"))).isFile());
    assert.ok((await readdir(join(folder, kept, "root"))).some((name) => name.startsWith("lane-")));
  });
});

test("it refuses invalid options, and explains itself", async () => {
  const [wrong, help] = [chaos(["--runtime", "browser"]), chaos(["--help"])];
  assert.equal((await wrong.exited).code, 2, wrong.output);
  assert.match(wrong.stderr.bytes().toString(), /--runtime is one of node, deno, bun, not "browser"/);
  assert.equal((await help.exited).code, 0);
  assert.match(help.stdout.bytes().toString(), /--minutes N .*\n(.*\n)*.*--seed N /);
});

/** Overwrites the first byte of every `.bin` file below a folder, without changing its size. */
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
