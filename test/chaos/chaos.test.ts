/** The chaos test, for some seconds: `npm run chaos` goes on for as long as anybody likes. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECT, Program, type Runtime } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const SECONDS = 6;

/** Starts a short run. */
function chaos(args: readonly string[], env: Record<string, string> = {}): Program {
  const script = join(PROJECT, "scripts", "run.mjs");
  const minutes = String(SECONDS / 60);
  return new Program(process.execPath, [script, "scripts/chaos/main.ts", "--minutes", minutes, ...args], { env });
}

describe("chaos", { concurrency: 2 }, () => {
  const runs: [Runtime | "node,bun", number][] = [
    ["node", 7],
    ["node", randomInt(2 ** 32)],
    ["deno", 3],
    ["bun", 5],
  ];
  for (const [runtime, seed] of runs) {
    test(`no byte is lost or doubled with servers on ${runtime} and the seed ${seed}`, async (t) => {
      const program = chaos(["--seed", String(seed), "--runtime", runtime, "--paths", "4", "--followers", "2"]);
      const { code } = await program.exited;
      assert.equal(code, 0, program.output);
      const report = program.stdout.bytes().toString();
      t.diagnostic(report);
      assert.match(report, new RegExp(`^seed +${seed}$`, "m"));
      for (const happened of [
        /^servers .*; \d+ (kill -9|SIG\w+)/m,
        /^appends .*\d+ complete.*MB$/m,
        /^reconnects .*\d+ followers/m,
        /^faults .*\d+ reset/m,
        /^compared .*\d+ files/m,
      ])
        assert.match(report, happened);
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
    assert.match(report, /problems?:\n {2}\/lane-\d\/\d+\.bin: the SHA-256 of /);
    assert.match(report, /^Again: npm run chaos -- --minutes \S+ --seed 1 --paths 2 --followers 1 /m);
    const [kept = ""] = await readdir(folder);
    assert.ok(report.includes(`The files are in ${join(folder, kept)}.`), report);
    assert.ok((await stat(join(folder, kept, "servers.log"))).isFile());
    assert.ok((await readdir(join(folder, kept, "root"))).some((name) => name.startsWith("lane-")));
  });
});

test("what it is told wrongly it refuses, and it explains itself", async () => {
  for (const [args, words] of [
    [["--minutes", "soon"], /--minutes is a number of minutes, not "soon"/],
    [["--seed", "-1"], /seed/],
    [["--seed", "x"], /--seed is a whole number/],
    [["--paths", "0"], /--paths/],
    [["--followers", "many"], /--followers/],
    [["--runtime", "browser"], /node, deno, bun/],
    [["--nonsense"], /nonsense/],
    [["7"], /7/],
  ] as const) {
    const program = chaos(args);
    assert.equal((await program.exited).code, 2, program.output);
    assert.match(program.stderr.bytes().toString(), words);
  }
  const help = chaos(["--help"]);
  assert.equal((await help.exited).code, 0);
  assert.match(help.output, /--minutes N .*\n(.*\n)*.*--seed N /);
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
