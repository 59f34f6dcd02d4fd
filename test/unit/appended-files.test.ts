/** Which of many files are being appended to: only candidates are asked about. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { appendedFiles } from "../../src/stores/file/appended-files.ts";
import { keyOf, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** Leaves claims of files and sessions of paths. Returns the answers about `a`, `b` and `c`, and which were asked for. */
async function answers(
  t: TestContext,
  { claims = [], sessions = [] }: { claims?: readonly string[]; sessions?: readonly string[] },
): Promise<{ appended: boolean[]; asked: string[] }> {
  const root = await temporaryFolder("appended-files");
  t.after(() => removeFolder(root));
  const reserved = reservedIn(root);
  for (const file of claims) mkdirSync(join(reserved.claims, keyOf(file)), { recursive: true });
  for (const path of sessions) {
    mkdirSync(reserved.sessions, { recursive: true });
    writeFileSync(join(reserved.sessions, `${keyOf(path)}.json`), "");
  }
  const asked: string[] = [];
  const isAppended = await appendedFiles(reserved, (path, file) => {
    asked.push(`${path} in ${file.slice(root.length + 1)}`);
    return path !== "link/c";
  });
  const appended: boolean[] = [];
  for (const name of ["a", "b", "c"]) appended.push(await isAppended(`link/${name}`, join(root, "real", name)));
  return { appended, asked };
}

test("no file is appended to if there are neither claims nor sessions", async (t) => {
  assert.deepEqual(await answers(t, {}), { appended: [false, false, false], asked: [] });
});

test("a claim is one of the real file, a session one of the path", async (t) => {
  assert.deepEqual(await answers(t, { claims: ["real/a", "link/b"] }), {
    ...{ appended: [true, false, false], asked: ["link/a in real/a"] },
  });
  assert.deepEqual(await answers(t, { sessions: ["link/b", "real/a"] }), {
    ...{ appended: [false, true, false], asked: ["link/b in real/b"] },
  });
});

test("of a candidate, the answer counts", async (t) => {
  assert.deepEqual(await answers(t, { claims: ["real/a", "real/c"], sessions: ["link/b", "link/c"] }), {
    appended: [true, true, false],
    asked: ["link/a in real/a", "link/b in real/b", "link/c in real/c"],
  });
});
