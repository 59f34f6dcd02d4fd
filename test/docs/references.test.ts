/** Everything that the documentation refers to exists: files, headings, options, variables, npm scripts. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, it } from "node:test";
import { fstream, memoryStore } from "../../mod.ts";
import { ROOT } from "../../scripts/lib/install.mjs";
import { executable, run, scriptArguments } from "../fixture/processes.ts";
import { DIFFERENCES } from "../runtime/differences.ts";
import { anchorsOf, linksOf, sectionsOf } from "./markdown.ts";

const top = (await readdir(ROOT)).filter((name) => name.endsWith(".md"));
const docs = (await readdir(join(ROOT, "docs"))).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);
const pages = new Map<string, string>();
for (const page of [...top, ...docs]) pages.set(page, await readFile(join(ROOT, page), "utf8"));

for (const [page, text] of pages) {
  describe(page, () => {
    it("has links that lead somewhere", async () => {
      for (const link of linksOf(text)) {
        if (/^https?:/.test(link)) continue;
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? page : relative(ROOT, join(ROOT, dirname(page), file));
        assert.ok(existsSync(join(ROOT, target)), `${link} leads to ${target}, which does not exist`);
        if (anchor === undefined) continue;
        const anchors = anchorsOf(pages.get(target) ?? "");
        assert.ok(anchors.has(anchor), `${link}: ${target} has no such heading`);
      }
    });

    it("names tests that exist", () => {
      for (const [, file = ""] of text.matchAll(/`(test\/[\w./-]+)`/g)) {
        assert.ok(existsSync(join(ROOT, file)), `${page} names ${file}, which does not exist`);
      }
    });

    it("names npm scripts that exist", async () => {
      const { scripts } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
        scripts: Record<string, string>;
      };
      for (const [named, script = ""] of text.matchAll(/npm run (?:-s )?([\w:-]+)/g)) {
        assert.ok(script in scripts, `"${named}": package.json has no such script`);
      }
    });
  });
}

describe("the tables of docs/commands.md", async () => {
  for (const command of ["serve", "append", "follow", "key", "token"]) {
    const { stdout } = await run(await executable("node"), [...scriptArguments("node", "mod.ts"), command, "--help"]);
    const help = stdout.bytes().toString();
    const section = sectionText("docs/commands.md", command);

    it(`have the options of ${command}, as its help has them`, () => {
      const own = new Set(["-V, --version", "-h, --help"]);
      const options = [...help.matchAll(/^ {2}((?:-\w, )?--[\w-]+(?: <\S+>)?)/gm)].map(([, option = ""]) => option);
      const wanted = options.filter((option) => !own.has(option));
      assert.deepEqual(optionsIn(section), wanted.sort());
    });

    it(`have the environment variables of ${command}`, () => {
      const variables = (text: string): string[] => [...new Set(text.match(/HTTPFSTREAM_\w+/g))].sort();
      assert.deepEqual(variables(section), variables(help));
    });
  }
});

it("the table of copy has its options; those of stores are in that of serve", async () => {
  const { stdout } = await run(await executable("node"), [...scriptArguments("node", "mod.ts"), "copy", "--help"]);
  const help = stdout.bytes().toString();
  const known = new Set(["-V, --version", "-h, --help", ...optionsIn(sectionText("docs/commands.md", "serve"))]);
  const options = [...help.matchAll(/^ {2}((?:-\w, )?--[\w-]+(?: <\S+>)?)/gm)].map(([, option = ""]) => option);
  const own = options.filter((option) => !known.has(option));
  assert.deepEqual(optionsIn(sectionText("docs/commands.md", "copy")), own.sort());
});

describe("the other tables", () => {
  it("have the options of fstream()", () => {
    let message = "";
    try {
      fstream({ store: memoryStore(), nonsense: true } as never);
    } catch (error) {
      message = String(error);
    }
    const [, names = ""] = /it has (.*)\./.exec(message) ?? [];
    assert.deepEqual(firstCells(sectionText("docs/hono.md", "Options")).sort(), names.split(", ").sort());
  });

  it("have a row for each difference between the runtimes", () => {
    const rows = sectionText("docs/runtimes.md", "Differences between the servers").match(/^\|.*\|$/gm) ?? [];
    const words: Record<string, RegExp> = {
      "raw text frames": /followers that want text frames/,
      "text appends": /text frames of an appender/,
      "unmasked frames": /without a mask/,
      "close codes": /violate the WebSocket protocol/,
      "dot segments": /`\.\.` in a path/,
      "early frames": /before the upgrade/,
      "content length": /Content-Length/,
      "upgrade headers": /of a granted upgrade/,
      "upgrade offers": /offers an upgrade/,
      "early end": /ends right behind its head/,
      "late head": /headers of a live body/,
      "gathered messages": /gathered first/,
    };
    for (const differences of Object.values(DIFFERENCES)) {
      for (const difference of Object.keys(differences)) {
        const pattern = words[difference];
        assert.ok(pattern && rows.some((row) => pattern.test(row)), `a row about "${difference}"`);
      }
    }
  });
});

/** The text below a heading of a page, up to the next heading. */
function sectionText(page: string, title: string): string {
  const markdown = pages.get(page) ?? "";
  const titles = sectionsOf(markdown).map((section) => section.title);
  assert.ok(titles.includes(title), `${page} has a section "${title}"`);
  const [, text = ""] = markdown.split(new RegExp(`^#+ ${title}$`, "m"));
  return text.split(/^#+ /m)[0] ?? "";
}

function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name);
}

/** The first cells of a table of options, as the help writes them, such as `-v, --verbose`. */
function optionsIn(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`-[^|]*`) \|/gm)].map(([, cell = ""]) => cell);
  return cells.map((cell) => cell.replaceAll("`", "")).sort();
}
