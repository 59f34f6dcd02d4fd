/** How much of a write that has failed is in the file. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { storedPart } from "../../src/stores/file/files/stored-part.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** What the file has after a write of `abcd` behind `123`, and how many of its bytes count. */
const CASES: Record<string, { has: string; count: number; flags?: string; readable?: boolean; closed?: boolean }> = {
  "nothing of it": { has: "123", count: 0 },
  "a part of it": { has: "123ab", count: 2 },
  "all of it": { has: "123abcd", count: 4 },
  "less than before": { has: "1", count: 0 },
  "bytes of another program": { has: "123ax", count: 0 },
  "bytes of another program behind it": { has: "123abcdx", count: 0 },
  "a part of it, and can't be read": { has: "123ab", count: 0, readable: false },
  "a part of it, and reading fails": { has: "123ab", count: 0, flags: "a" },
  "a part of it, and is closed": { has: "123ab", count: 0, closed: true },
};

for (const [what, { has, count, flags = "a+", readable = true, closed = false }] of Object.entries(CASES)) {
  test(`a file that has ${what}`, async (t) => {
    const folder = await temporaryFolder("stored-part");
    t.after(() => removeFolder(folder));
    const file = join(folder, "a.txt");
    writeFileSync(file, has);
    const opened = await open(file, flags);
    t.after(() => opened.close().catch(() => {}));
    if (closed) await opened.close();
    assert.equal(await storedPart({ opened, readable, offset: 3, bytes: Buffer.from("abcd") }), count);
  });
}
