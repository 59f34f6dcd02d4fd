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
import { executable, run } from "../fixture/processes.ts";

const PAGE = join(ROOT, "docs", "operate.md");
const TABLE = /(<!-- limits: .* -->\n)([\s\S]*?)(<!-- limits: end -->)/;

it("the table of limits matches the code", async () => {
  const page = await readFile(PAGE, "utf8");
  const wanted = `\n${tableOf(await documentation())}\n\n`;
  if (process.env["UPDATE_DOCS"])
    await writeFile(
      PAGE,
      page.replace(TABLE, (_, begin, __, end) => begin + wanted + end),
    );
  else assert.equal(TABLE.exec(page)?.[2], wanted, "UPDATE_DOCS=1 node --import tsx --test test/docs/limits.test.ts");
});

interface DenoDoc {
  readonly nodes: Record<string, { readonly symbols: readonly DocumentedSymbol[] }>;
}

interface DocumentedSymbol {
  readonly name: string;
  readonly declarations: readonly {
    readonly def?: {
      readonly properties?: readonly { readonly name: string; readonly jsDoc?: { readonly doc?: string } }[];
    };
  }[];
}

/** What `deno doc` says about each limit. */
async function documentation(): Promise<ReadonlyMap<string, string>> {
  const args = ["doc", "--json", join(ROOT, "src", "engine", "limits.ts")];
  const { stdout } = await run(await executable("deno"), args);
  const symbols = Object.values((JSON.parse(String(stdout.bytes())) as DenoDoc).nodes).flatMap((file) => file.symbols);
  const limits = symbols.find(({ name }) => name === "Limits")?.declarations[0]?.def?.properties ?? [];
  return new Map(limits.map(({ name, jsDoc }) => [name, jsDoc?.doc ?? ""]));
}

function tableOf(comments: ReadonlyMap<string, string>): string {
  const rows = Object.entries(DEFAULT_LIMITS).map(([name, value]) => {
    const comment = comments.get(name);
    assert.ok(comment, `${name} is documented`);
    assert.ok(!comment.includes("\n"), `the comment of ${name} has one line`);
    const stated = /Default (\d[\d,]*(?<!,)(?: [KMG]iB)?)/.exec(comment)?.[1];
    assert.equal(stated, forPeople(name, value), `what the comment of ${name} says`);
    const meaning = comment
      .replace(/ Default [^.]*, (at most [^.]*)\.$/, " It may be $1.")
      .replace(/ Default [^.]*\.$/, "");
    return `| \`${name}\` | ${name.endsWith("Bytes") && value > 0 ? `${value} (${stated})` : value} | ${meaning} |`;
  });
  return ["| limit | default | |", "|---|---|---|", ...rows].join("\n");
}

/** A number as the comments write it. */
function forPeople(name: string, value: number): string {
  if (!name.endsWith("Bytes")) return value.toLocaleString("en");
  if (value === 0) return "0";
  const kibibytes = value / 1024;
  if (kibibytes < 1024) return `${kibibytes} KiB`;
  return kibibytes < 1024 ** 2 ? `${kibibytes / 1024} MiB` : `${kibibytes / 1024 ** 2} GiB`;
}
