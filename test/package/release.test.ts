/** A release: what it refuses, what it writes, and that a rehearsal changes nothing. */
import assert from "node:assert/strict";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { command } from "../../scripts/lib/installation.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const LOCAL = new Set(["node_modules", "dist", "data", ".git"]);

const IDENTITY = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];

let home: string;
let clone: string;

before(async () => {
  home = await temporaryFolder("release");
  clone = join(home, "checkout");
  const isCloned = (file: string): boolean => !LOCAL.has(relative(ROOT, file).split(sep)[0] ?? "");
  await cp(ROOT, clone, { recursive: true, filter: isCloned });
  await symlink(join(ROOT, "node_modules"), join(clone, "node_modules"));
  await writeFile(join(clone, ".gitignore"), "node_modules\ndist\n");
  await writeFile(
    join(clone, "CHANGELOG.md"),
    "# Changelog\n\n## Unreleased\n\n- A change.\n\n## 0.1.0\n\nThe first.\n",
  );
  await git("init", "--quiet", "--initial-branch=main");
  await git("config", "user.name", "Ada");
  await git("config", "user.email", "ada@example.com");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "Begin");
});
after(() => removeFolder(home));
beforeEach(() => git("checkout", "--quiet", "main"));

function git(...args: string[]): Promise<string> {
  return command("git", [...IDENTITY, ...args], clone);
}

function release(...args: string[]): Promise<string> {
  return command("node", ["scripts/run.mjs", "scripts/release.ts", "--no-test", "--no-publish", ...args], clone);
}

describe("a release", () => {
  it("is refused with a sentence for what can't be released", async () => {
    await assert.rejects(release("soon"), /"soon" is not a version/);
    await assert.rejects(release("0.1.0"), /The version is 0\.1\.0 already; 0\.1\.0 is not newer/);
    await assert.rejects(release("0.0.9"), /is not newer/);
    await git("checkout", "--quiet", "-b", "topic");
    await assert.rejects(release("0.2.0"), /made on the branch main, not on "topic"/);
    await git("checkout", "--quiet", "main");
    await writeFile(join(clone, "stray.txt"), "stray");
    await assert.rejects(release("0.2.0"), /not committed:\n.*stray\.txt/);
    await git("clean", "--quiet", "--force");
  });

  it("changes nothing in a rehearsal", async () => {
    const head = await git("rev-parse", "HEAD");
    assert.match(await release("0.2.0", "--dry-run"), /package\.json: version 0\.2\.0/);
    assert.equal(await git("rev-parse", "HEAD"), head);
    assert.equal(await git("status", "--porcelain"), "");
  });

  it("writes the version everywhere, dates the changelog, commits and tags", async () => {
    await release("0.10.0");
    assert.equal(await git("log", "-1", "--format=%s %D"), "Release 0.10.0 HEAD -> main, tag: v0.10.0\n");
    assert.equal(await git("status", "--porcelain"), "");
    for (const file of ["package.json", "deno.json"]) {
      assert.equal(JSON.parse(await readFile(join(clone, file), "utf8")).version, "0.10.0", file);
    }
    const lock = JSON.parse(await readFile(join(clone, "package-lock.json"), "utf8"));
    assert.deepEqual([lock.version, lock.packages[""].version], ["0.10.0", "0.10.0"]);
    assert.equal(await command("node", ["scripts/run.mjs", "mod.ts", "--version"], clone), "0.10.0\n");
    const changelog = await readFile(join(clone, "CHANGELOG.md"), "utf8");
    assert.match(changelog, /^# Changelog\n\n## Unreleased\n\n## 0\.10\.0 \(\d{4}-\d\d-\d\d\)\n\n- A change\./);
  });

  it("is refused without entries in the changelog", async () => {
    await assert.rejects(release("0.11.0"), /no entries under "## Unreleased"/);
  });
});
