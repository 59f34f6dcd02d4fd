/** What a store does with the other processes on its root. */
import assert from "node:assert/strict";
import { appendFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Owner } from "../../src/stores/file/claims/owner.ts";
import { OtherProcesses, type OtherProcessesParts } from "../../src/stores/file/other-processes.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { OtherProcess } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

test("a path that becomes a stream while it is watched shows no bytes that a takeover could cut off", async () => {
  const root = realpathSync(await temporaryFolder("others"));
  const over = new AbortController();
  try {
    const file = join(root, "a.txt");
    writeFileSync(file, "12345");
    new OtherProcess(root).claim("a.txt");
    const reserved = reservedIn(root);
    let isStream = false;
    const parts = {
      ...{ root, reserved, owner: new Owner(reserved) },
      sessions: { find: async () => undefined },
      logs: { has: () => isStream },
      statOf: async () => ({ size: 6, modified: new Date(0), generation: "g" }),
    } as unknown as OtherProcessesParts;
    const news = await new OtherProcesses(parts).watch("a.txt", over.signal);
    assert.deepEqual((await news?.next())?.value, { size: 5 });
    isStream = true;
    appendFileSync(file, "678");
    assert.deepEqual((await news?.next())?.value, { size: 6 }, "the rest is not certain");
    over.abort();
    await news?.return();
  } finally {
    over.abort();
    await removeFolder(root);
  }
});
