/** The small files in which the commands keep their state. */
import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readSmallFile, writeSmallFile } from "../../src/cli/common/small-file.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

let folder: string;
before(async () => {
  folder = await temporaryFolder("small-file");
});
after(() => removeFolder(folder));

test("a written file has its text, belongs to its owner alone, and leaves no temporary file behind", async () => {
  const file = join(folder, "state");
  for (const sync of [true, false]) {
    await writeSmallFile(file, `sync ${sync}`, { sync });
    assert.equal(await readSmallFile(file), `sync ${sync}`);
  }
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ["state"]);
});

test("a link is followed in both directions if links are allowed, and otherwise refused or replaced", async () => {
  const [real, link] = [join(folder, "real", "state"), join(folder, "link")];
  mkdirSync(join(folder, "real"));
  writeFileSync(real, "before");
  symlinkSync(join("real", "state"), link);
  assert.equal(await readSmallFile(link, { links: true }), "before");
  await writeSmallFile(link, "after", { sync: true, links: true });
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(readFileSync(real, "utf8"), "after");
  await assert.rejects(readSmallFile(link), /it is not a regular file/);
  await writeSmallFile(link, "replaced", { sync: false });
  assert.ok(lstatSync(link).isFile());
  assert.equal(readFileSync(real, "utf8"), "after");
});

test("a file that can't be written leaves nothing behind", async () => {
  await assert.rejects(writeSmallFile(join(folder, "real"), "x", { sync: true }), { code: "EISDIR" });
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".tmp")),
    [],
  );
});
