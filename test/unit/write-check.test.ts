/** Whether a root can be written to, as a server asks that wants to know whether it is healthy. */
import assert from "node:assert/strict";
import fs, { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { dirname } from "node:path";
import { type TestContext, test } from "node:test";
import { type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { checkWrites } from "../../src/stores/file/reserved/write-check.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { openFileMethods, systemError } from "../fixture/open-files.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

async function reserved(t: TestContext): Promise<Reserved> {
  const root = await temporaryFolder("write-check");
  t.after(() => removeFolder(root));
  return reservedIn(root);
}

function isTidy({ root, temporary }: Reserved): void {
  if (existsSync(temporary)) assert.deepEqual(readdirSync(temporary), []);
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(root), []);
}

/** Until the test ends, calls `before` before each file is opened; if it throws, the file is not. */
function beforeOpen(t: TestContext, before: () => void): void {
  const { open } = fs.promises;
  t.mock.method(fs.promises, "open", async (...args: Parameters<typeof open>) => {
    before();
    return await open(...args);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

test("a root that can be written to keeps nothing of the check", async (t) => {
  const at = await reserved(t);
  const methods = await openFileMethods();
  const { writeFile } = methods;
  const written: unknown[] = [];
  t.mock.method(methods, "writeFile", function (this: FileHandle, data: string) {
    written.push(data);
    return writeFile.call(this, data);
  });
  for (let times = 0; times < 2; times++) await checkWrites(at.root);
  assert.deepEqual(written, ["ready\n", "ready\n"], "a full disk may still have room for a name");
  isTidy(at);
});

test("a root that cannot be written to is reported, and so is a full disk", async (t) => {
  const at = await reserved(t);
  mkdirSync(dirname(at.temporary));
  writeFileSync(at.temporary, "a file");
  await assert.rejects(checkWrites(at.root), { code: /ENOTDIR|EEXIST/ });
  rmSync(at.temporary);
  t.mock.method(await openFileMethods(), "writeFile", () => Promise.reject(systemError("ENOSPC")));
  await assert.rejects(checkWrites(at.root), { code: "ENOSPC" });
  isTidy(at);
});

test("a link in place of the store's own folder is not written through", async (t) => {
  const at = await reserved(t);
  const elsewhere = await temporaryFolder("elsewhere");
  t.after(() => removeFolder(elsewhere));
  symlinkSync(elsewhere, dirname(at.temporary));
  await assert.rejects(checkWrites(at.root), { code: "storage" });
  assert.deepEqual(readdirSync(elsewhere), []);
});

test("a folder that other processes remove meanwhile is made again, but not without end", async (t) => {
  const at = await reserved(t);
  let [opened, removals] = [0, 0];
  beforeOpen(t, () => {
    if (opened++ < removals) rmSync(at.temporary, { recursive: true });
  });
  removals = 49;
  await checkWrites(at.root);
  assert.equal(opened, 50);
  [opened, removals] = [0, 50];
  await assert.rejects(checkWrites(at.root), { code: "ENOENT" });
  assert.equal(opened, 50);
  isTidy(at);
});
