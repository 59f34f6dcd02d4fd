/** docs/cluster.md: each code block is run by a test, or says why not, and its numbers are those of the program. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { shardBytesOf } from "../../src/stores/jetstream/layout/ensure.ts";
import { sectionsOf } from "./markdown.ts";

const page = await readFile(join(ROOT, "docs", "cluster.md"), "utf8");
const conf = await readFile(join(ROOT, "deploy", "nats.conf"), "utf8");

describe("docs/cluster.md", () => {
  it("has no code block that nothing runs", () => {
    for (const { blocks } of sectionsOf(page)) {
      for (const { language, line, directives } of blocks) {
        // The picture has no language.
        if (language === "") continue;
        const [, file] = directives.map((said) => /^elsewhere (.+)$/.exec(said)).find((match) => match) ?? [];
        if (file !== undefined) assert.ok(existsSync(join(ROOT, file)), `line ${line}: ${file} does not exist`);
        else
          assert.ok(
            directives.some((said) => /^skip ./.test(said)),
            `line ${line}: nothing runs this block`,
          );
      }
    }
  });

  it("calculates the limit of a stream as the store does", () => {
    const servers = 3;
    const bytes = shardBytesOf({ maxBytes: undefined, serverBytes: servers * 100e9, replicas: 3 }, 8, -1);
    assert.equal(bytes, 10e9);
    assert.match(page, /three servers with 100 GB and `--replicas 3` take 10 GB per\s+stream, 80 GB in all/);
    assert.match(conf, /max_file_store: 100GB/);
  });

  it("names the permissions of deploy/nats.conf", () => {
    const never = /^\| never \| (.*?): /m.exec(page)?.[1] ?? "";
    const named = never.matchAll(/`(?:\$JS\.API\.STREAM)?(\.[A-Z.]+\.>)`/g);
    const denied = [...named].map(([, name]) => `$JS.API.STREAM${name}`);
    const inConf = [...(/deny: \[([^\]]*)\]/.exec(conf)?.[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, name]) => name);
    assert.deepEqual(denied.sort(), inConf.sort());
    for (const [who, list] of [
      ["publish", /allow: \[([^\]]*)\]/],
      ["subscribe", /subscribe: \[([^\]]*)\]/],
    ] as const) {
      const shown = [...(new RegExp(`^\\| ${who} \\| (.*) \\|$`, "m").exec(page)?.[1] ?? "").matchAll(/`([^`]+)`/g)];
      const allowed = [...(list.exec(conf)?.[1] ?? "").matchAll(/"([^"]+)"/g)];
      assert.deepEqual(
        shown.map(([, name]) => name),
        allowed.map(([, name]) => name),
        who,
      );
    }
  });
});
