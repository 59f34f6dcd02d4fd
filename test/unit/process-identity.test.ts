/** Which process is this, and has another one ended? */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  isDead,
  isSameBoot,
  isVisible,
  ownIdentity,
  type ProcessIdentity,
} from "../../src/stores/file/processes/process-identity.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const skip = existsSync("/proc/self/stat") ? false : "this system has no /proc";

/** Starts a program, and ends it with the test. */
function started(t: TestContext, command: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** Field 22 of `/proc/PID/stat`. */
function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return (
    stat
      .slice(stat.lastIndexOf(")") + 1)
      .trim()
      .split(/\s+/)[19] ?? ""
  );
}

test("this process has an identity, and is alive", { skip }, () => {
  const own = ownIdentity();
  assert.equal(own.pid, process.pid);
  assert.equal(own.started, startOf(process.pid));
  const [host, boot, space, ...rest] = own.scope.split(" ");
  assert.ok(host);
  assert.equal(boot, readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  assert.match(space ?? "", /^pid:\[\d+\]$/);
  assert.equal(rest.length, 0);
  assert.deepEqual(ownIdentity(), own);
  assert.equal(own.clock === undefined, !existsSync("/proc/self/ns/time"));
  if (own.clock !== undefined) assert.match(own.clock, /^time:\[\d+\]$/);
  assert.ok(isVisible(own, own));
  assert.ok(!isDead(own, own));
});

test("a process is alive until it has ended", { skip }, async (t) => {
  const own = ownIdentity();
  const child = started(t, "sleep", "1000");
  await once(child, "spawn");
  const other = { ...own, pid: Number(child.pid), started: startOf(Number(child.pid)) };
  assert.ok(!isDead(other, own));
  assert.ok(isDead({ ...other, started: `${other.started}0` }, own), "an earlier process had its number");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.ok(isDead(other, own));
});

test("a process whose name looks like fields is alive", { skip }, async (t) => {
  const folder = await temporaryFolder("process");
  t.after(() => removeFolder(folder));
  const program = join(folder, "a) Z 1 (b");
  symlinkSync("/bin/sleep", program);
  const child = started(t, program, "1000");
  await once(child, "spawn");
  const pid = Number(child.pid);
  await until("the program to run", () => readFileSync(`/proc/${pid}/stat`, "utf8").includes("(a) Z 1 (b)"));
  const own = ownIdentity();
  assert.ok(!isDead({ ...own, pid, started: startOf(pid) }, own));
  assert.ok(isDead({ ...own, pid, started: "1" }, own));
});

test("a zombie has ended", { skip }, async (t) => {
  const child = started(t, "sh", "-c", 'sleep 1000 & echo "$!"; exec sleep 1000');
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const pid = Number(line.toString());
  const own = ownIdentity();
  const other = { ...own, pid, started: startOf(pid) };
  assert.ok(!isDead(other, own));
  await until("the shell to be replaced", () => !readFileSync(`/proc/${child.pid}/comm`, "utf8").startsWith("sh"));
  process.kill(pid, "SIGKILL");
  await until("a zombie", () => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8")));
  assert.ok(isDead(other, own));
});

test("of a process that cannot be seen here, nothing is certain", { skip }, () => {
  const own = { ...ownIdentity(), clock: "time:[1]" };
  const gone = { ...own, started: "1" };
  const { clock: _, ...clockless } = gone;
  assert.ok(isDead(gone, own));
  assert.ok(isVisible(clockless, own));
  const { clock: __, ...self } = own;
  assert.ok(isVisible(gone, self));
  const unseen: readonly (readonly [ProcessIdentity, ProcessIdentity])[] = [
    [{ ...gone, scope: "elsewhere" }, own],
    [{ ...gone, started: "" }, own],
    [gone, { ...own, started: "" }],
    [{ ...gone, clock: "time:[2]" }, own],
  ];
  for (const [other, observer] of unseen) {
    assert.ok(!isVisible(other, observer), JSON.stringify(other));
    assert.ok(!isDead(other, observer), JSON.stringify(other));
  }
});

test("two processes ran under the same boot if both know it, and it is the same", () => {
  const at = (scope: string): ProcessIdentity => ({ pid: 1, started: "1", scope });
  const isSame = (one: string, other: string): boolean => isSameBoot(at(one), at(other));
  assert.ok(isSame("host boot pid:[1]", "other boot pid:[2]"));
  assert.ok(!isSame("host boot pid:[1]", "host later pid:[1]"));
  assert.ok(!isSame("host  pid:[1]", "host  pid:[1]"), "neither knows it");
  assert.ok(!isSame("host  pid:[1]", "host boot pid:[1]"));
  assert.ok(!isSame("host", "host"));
  assert.ok(!isSame("host", "host boot pid:[1]"));
});
