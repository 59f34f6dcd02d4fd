/** The code blocks of docs/stores.md, run as a reader would run them; its tests also on Node, from source. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../../scripts/lib/install.mjs";
import { executable, run, scriptArguments } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { sectionsOf } from "./markdown.ts";
import { testPage } from "./page.ts";

const PAGE = "docs/stores.md";

await testPage(PAGE);

it("the store of the page passes the suite on Node, and no other case than those of its optional parts is skipped", async () => {
  const folder = await temporaryFolder("stores");
  const blocks = sectionsOf(await readFile(join(ROOT, PAGE), "utf8")).flatMap((section) => section.blocks);
  for (const { text } of blocks) {
    const [, name] = /^\/\/ ([\w-]+\.mts)\n/.exec(text) ?? [];
    const source = text.replaceAll(
      '"httpfstream/store"',
      JSON.stringify(pathToFileURL(join(ROOT, "src/store/mod.ts"))),
    );
    if (name !== undefined) await writeFile(join(folder, name), source);
  }
  // If it were set, the test runner would report to this one instead of printing results.
  delete process.env["NODE_TEST_CONTEXT"];
  const script = scriptArguments("node", join(folder, "batch-store_test.mts"));
  const { exit, output } = await run(await executable("node"), script);
  const actor = await run(
    await executable("node"),
    scriptArguments("node", join(folder, "actor.mts")),
    "claim a.txt\n",
  );
  await removeFolder(folder);
  assert.equal(actor.output, "claimed at 0\n");
  assert.equal(exit.code, 0, output);
  const skipped = [...output.matchAll(/^.*batchStore: ([^:]+): .*# SKIP$/gm)].map(([, section]) => section);
  // Those of streams, of subscriptions and of several processes have sections of their own.
  const own = ["streams", "subscriptions", "shared"];
  const others = skipped.filter((section) => !own.includes(String(section)));
  assert.deepEqual(others, ["claims", "optional parts", "optional parts", "optional parts"]);
});
