/**
 * The table of limits in docs/operate.md matches the code.
 * `UPDATE_DOCS=1 node --import tsx --test test/docs/limits.test.ts` writes the table.
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { DEFAULT_LIMITS } from "../../src/engine/limits.ts";

const PAGE = join(ROOT, "docs", "operate.md");
const TABLE = /(<!-- limits: .* -->\n)([\s\S]*?)(<!-- limits: end -->)/;

it("the table of limits matches the code", async () => {
  const page = await readFile(PAGE, "utf8");
  const source = await readFile(join(ROOT, "src", "engine", "limits.ts"), "utf8");
  const wanted = `\n${tableOf(source)}\n\n`;
  if (process.env["UPDATE_DOCS"])
    await writeFile(
      PAGE,
      page.replace(TABLE, (_, begin, __, end) => begin + wanted + end),
    );
  else assert.equal(TABLE.exec(page)?.[2], wanted, "UPDATE_DOCS=1 node --import tsx --test test/docs/limits.test.ts");
});

function tableOf(source: string): string {
  const comments = new Map(
    [...source.matchAll(/\/\*\* (.+) \*\/\n {2}(\w+): number;/g)].map(([, comment = "", name = ""]) => [name, comment]),
  );
  const rows = Object.entries(DEFAULT_LIMITS).map(([name, value]) => {
    const comment = comments.get(name);
    assert.ok(comment !== undefined, `${name} has a comment of one line`);
    const stated = /Default (\d[\d,]*(?<!,)(?: [KMG]iB)?)/.exec(comment)?.[1];
    assert.equal(stated, forPeople(name, value), `what the comment of ${name} says`);
    const meaning = comment
      .replace(/ Default [^.]*, (at most [^.]*)\.$/, " It may be $1.")
      .replace(/ Default [^.]*\.$/, "");
    return `| \`${name}\` | ${name.endsWith("Bytes") ? `${value} (${stated})` : value} | ${meaning} |`;
  });
  return ["| limit | default | |", "|---|---|---|", ...rows].join("\n");
}

/** A number as the comments write it. */
function forPeople(name: string, value: number): string {
  if (!name.endsWith("Bytes")) return value.toLocaleString("en");
  const kibibytes = value / 1024;
  if (kibibytes < 1024) return `${kibibytes} KiB`;
  return kibibytes < 1024 ** 2 ? `${kibibytes / 1024} MiB` : `${kibibytes / 1024 ** 2} GiB`;
}
