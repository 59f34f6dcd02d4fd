/**
 * The test runner itself: it must count leaf tests only, and report files that crash, hang, exit early or run no tests.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { LONG_FILES } from "../../scripts/lib/short-run.ts";
import { runTestFile } from "../../scripts/lib/test-file.ts";
import { counts, type TestResult } from "../../scripts/lib/test-result.ts";
import { until } from "../fixture/until.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "runner-"));
});
after(() => rm(folder, { recursive: true }));

/** The results of a test file with this text. */
async function resultsOf(text: string, timeoutMs?: number): Promise<TestResult[]> {
  const file = join(folder, "sample.test.mts");
  await writeFile(file, `import { describe, it, test } from "node:test";\n${text}`);
  return runTestFile(file, timeoutMs === undefined ? {} : { timeoutMs });
}

/** The only result of such a file, which must be a failure. */
async function failureOf(text: string, timeoutMs?: number): Promise<TestResult> {
  const results = await resultsOf(text, timeoutMs);
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ["fail"],
    JSON.stringify(results),
  );
  return results[0] as TestResult;
}

describe("the results of a file", () => {
  it("are leaf tests, with the names of their suites", async () => {
    const results = await resultsOf(`
      describe("outer", () => {
        describe("inner", () => { it("a", () => {}); it("b", () => {}); });
        describe("empty", () => {});
      });
      test("parent", async (t) => { await t.test("child", () => {}); });
    `);
    assert.deepEqual(results, [
      { kind: "pass", name: "outer > inner > a" },
      { kind: "pass", name: "outer > inner > b" },
      { kind: "pass", name: "parent > child" },
    ]);
  });

  it("have a failure once, where it happened", async () => {
    const failure = await failureOf(`
      describe("outer", () => { describe("inner", () => { it("a", () => { throw new Error("so it was"); }); }); });
    `);
    assert.equal(failure.name, "outer > inner > a");
    assert.match(failure.error ?? "", /so it was/);
  });

  it("include a suite or a parent that fails by itself", async () => {
    const results = await resultsOf(`
      import { after } from "node:test";
      describe("suite", () => { after(() => { throw new Error("in the hook"); }); it("a", () => {}); });
      test("parent", async (t) => { await t.test("child", () => {}); throw new Error("after the child"); });
    `);
    assert.equal(counts(results), "2 passed, 2 failed");
  });

  it("include skipped tests, skipped suites and to-do tests, with their reasons", async () => {
    const results = await resultsOf(`
      it("a", { skip: "no such disk" }, () => {});
      it("b", (t) => t.skip("not here"));
      it.skip("c", () => {});
      it.skip("c (skipped: its store has no disk)", () => {});
      describe("d", { skip: "all of it" }, () => { it("e", () => {}); });
      it.todo("f");
      it("g", { todo: "later" }, () => { throw new Error("fails still"); });
    `);
    assert.deepEqual(results, [
      { kind: "skip", name: "a", reason: "no such disk" },
      { kind: "skip", name: "b", reason: "not here" },
      { kind: "skip", name: "c", reason: "no reason given" },
      { kind: "skip", name: "c", reason: "its store has no disk" },
      { kind: "skip", name: "d", reason: "all of it" },
      { kind: "skip", name: "f", reason: "to do" },
      { kind: "skip", name: "g", reason: "later" },
    ]);
  });

  it("are summed up in one line", () => {
    const results: TestResult[] = [
      { kind: "pass", name: "a" },
      { kind: "fail", name: "b" },
      { kind: "pass", name: "c" },
    ];
    assert.equal(counts(results), "2 passed, 1 failed");
    assert.equal(counts([...results, { kind: "skip", name: "d" }]), "2 passed, 1 failed, 1 skipped");
  });
});

describe("a file fails as a whole if it", () => {
  it("runs no tests", async () => {
    assert.match((await failureOf("")).name, /exited with code 0 before any test was done/);
    assert.match((await failureOf(`describe("empty", () => {});`)).name, /ran no tests/);
  });

  it("does not parse", async () => {
    const failure = await failureOf("it(");
    assert.match(failure.name, /exited with code 1/);
    assert.match(failure.error ?? "", /sample\.test/);
  });

  it("throws while it is loaded, before its first test", async () => {
    const failure = await failureOf(`throw new Error("at the top");`);
    assert.match(failure.error ?? "", /at the top/);
  });

  it("exits before its tests are done", async () => {
    const failure = await failureOf(`it("a", () => process.exit(0));`);
    assert.match(failure.name, /exited with code 0 before/);
  });

  it("is killed", async () => {
    assert.match((await failureOf(`it("a", () => process.kill(process.pid, "SIGKILL"));`)).name, /ended by SIGKILL/);
  });

  it("hangs", async () => {
    const failure = await failureOf(`it("waits", () => new Promise((resolve) => setTimeout(resolve, 1e8)));`, 3_000);
    assert.match(failure.name, /still running after 3 s/);
  });

  it("sets an exit code although its tests passed", async () => {
    const results = await resultsOf(`it("a", () => {}); process.on("exit", () => { process.exitCode = 3; });`);
    assert.equal(counts(results), "1 passed, 1 failed");
    assert.match(results[1]?.name ?? "", /exited with code 3, although no test failed/);
  });
});

it("processes that a file leaves behind are ended with it", async () => {
  const results = await resultsOf(`
    import { spawn } from "node:child_process";
    import { writeFileSync } from "node:fs";
    it("a", () => {
      const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
      child.unref();
      writeFileSync(${JSON.stringify(join(folder, "pid"))}, String(child.pid));
    });
  `);
  assert.equal(counts(results), "1 passed, 0 failed");
  const pid = Number(await readFile(join(folder, "pid"), "utf8"));
  await until("its end", () => {
    // Gone, or a zombie that was not reaped yet.
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
    return /^(Z.*)?$/.test(stdout.trim());
  });
});

it("leaves out only files that exist", () => {
  for (const file of Object.keys(LONG_FILES)) assert.ok(existsSync(join(ROOT, file)), file);
});
