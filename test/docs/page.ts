/**
 * A page as a suite of tests: every code block runs, in the order of the page.
 *
 * The language of a block, and the comments right above it, determine how it runs:
 *
 * - `sh`: a script, which must succeed. `console`: commands with their output.
 * - `ts`, `js`: a program. With its name in a comment in the first line: a file of the project for a later block.
 * - `<!-- docs: in project -->`: it runs in the project that uses the package, not in the checkout.
 * - `<!-- docs: stays -->`: it keeps running; it must have printed all its output at the end of its section. A server must
 *   have announced exactly what is shown.
 * - `<!-- docs: types one, two, Ctrl-C -->`: it keeps running in a terminal, where this is typed.
 * - `<!-- docs: elsewhere FILE -->`: that test file runs it. `<!-- docs: skip REASON -->`: it does not run.
 *
 * Each chapter (`##`) has its own home folder. A block that uses the page's port finds a server there, unless its
 * section has started a program.
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { awaited, commandsOf, isLine, missing } from "./expected-output.ts";
import { type Block, type Section, sectionsOf } from "./markdown.ts";
import type { Shell } from "./shell.ts";
import { type Chapter, Machine } from "./stage.ts";

/** The first line of a server. All lines with which it announces itself must be shown, and no others. */
const SERVING = /^httpfstream \S+ on .*, serving /;

/** What a server logs later. */
const LOGGED = / id=\S+$|^shutdown /;

/** Separates the outputs of a console block's commands. */
const MARK = "\u001e";

/** Options of a page. */
export interface PageOptions {
  /** A script that runs before the first block of each chapter. */
  readonly prelude?: string;
  /** Packages besides this one that the project of the reader has. */
  readonly packages?: readonly string[];
  /** A module that is preloaded into all programs on Node. */
  readonly preload?: string;
}

/** Defines the tests of a page. */
export async function testPage(file: string, { prelude, ...project }: PageOptions = {}): Promise<void> {
  const chapters = chaptersOf(sectionsOf(await readFile(join(ROOT, file), "utf8")));
  describe(`the code blocks of ${file}`, () => {
    let machine: Machine;
    before(async () => {
      machine = await Machine.make();
    });
    after(() => machine?.remove());
    for (const sections of chapters) {
      describe(sections[0]?.title || "its beginning", () =>
        testChapter(sections, () => machine.chapter(project), prelude),
      );
    }
  });
}

function chaptersOf(sections: readonly Section[]): Section[][] {
  const chapters: Section[][] = [];
  for (const section of sections) {
    const current = chapters.at(-1);
    if (section.level > 2 && current) current.push(section);
    else chapters.push([section]);
  }
  return chapters.filter((sections) => sections.some(({ blocks }) => blocks.some(isRun)));
}

function testChapter(sections: readonly Section[], begin: () => Promise<Chapter>, prelude?: string): void {
  let chapter: Chapter;
  before(async () => {
    chapter = await begin();
    if (prelude === undefined) return;
    await chapter.ensureServer();
    assert.equal(await chapter.shell(prelude, "httpfstream").exit(), 0);
  });
  after(() => chapter?.remove());
  for (const { title, blocks } of sections) {
    const stays: { block: Block; shell: Shell }[] = [];
    for (const block of blocks) {
      const reason = directive(block, "skip");
      const name = `line ${block.line}: ${firstLine(block)}`;
      if (isRun(block) || reason !== undefined) {
        it(name, { skip: reason ?? false, timeout: 180_000 }, async () => {
          const shell = await runBlock(chapter, block);
          if (shell) stays.push({ block, shell });
        });
      }
    }
    if (!blocks.some(isRun)) continue;
    it(`programs that keep running in "${title}" print what is shown, and end`, { timeout: 180_000 }, async () => {
      for (const { block, shell } of stays) await expectShown(chapter, block, shell);
      await chapter.stop();
    });
  }
}

function isRun(block: Block): boolean {
  const elsewhere = directive(block, "elsewhere");
  if (elsewhere !== undefined) assert.ok(existsSync(join(ROOT, elsewhere)), `${elsewhere} does not exist`);
  return elsewhere === undefined && directive(block, "skip") === undefined;
}

/** Runs a block to its end; starts a block that stays, and returns its shell. */
async function runBlock(chapter: Chapter, block: Block): Promise<Shell | undefined> {
  const folder = directive(block, "in") ?? (isProgram(block) ? "project" : "httpfstream");
  if (["stays", "types"].some((name) => directive(block, name) !== undefined)) return start(chapter, block, folder);
  if (isProgram(block)) await runProgram(chapter, block, folder);
  else await runCommands(chapter, block, folder);
  return undefined;
}

async function runProgram(chapter: Chapter, { line, language, text }: Block, folder: string): Promise<void> {
  const [, name] = /^\/\/ ([\w-]+\.\w+)\n/.exec(text) ?? [];
  if (name !== undefined) return await chapter.write(folder, name, text);
  if (/\b8080\b/.test(text)) await chapter.ensureServer();
  const file = `line-${line}.${language}`;
  await chapter.write(folder, file, text);
  await expectSuccess(chapter.shell(`node --import ${import.meta.resolve("tsx")} ${file}`, folder));
}

async function runCommands(chapter: Chapter, { language, text }: Block, folder: string): Promise<void> {
  if (/\b8080\b/.test(text)) await chapter.ensureServer();
  if (language === "sh") await expectSuccess(chapter.shell(`set -euo pipefail\n${text}`, folder));
  else if (language === "console") await expectOutputs(chapter, text, folder);
  else assert.fail(`there is no way to run a block of "${language}"; say above it how the tests treat it`);
}

function isProgram({ language }: Block): boolean {
  return language === "ts" || language === "js";
}

async function expectSuccess(shell: Shell): Promise<void> {
  assert.equal(await shell.exit(), 0, shell.output);
}

async function expectOutputs(chapter: Chapter, text: string, folder: string): Promise<void> {
  const commands = commandsOf(text);
  const mark = `mark() { local status=$?; printf '\\n${MARK}'; return $status; }`;
  const shell = chapter.shell([mark, ...commands.flatMap(({ command }) => [command, "mark"])].join("\n"), folder);
  await shell.exit();
  const printed = shell.output.split(`\n${MARK}`);
  for (const [index, { command, output }] of commands.entries()) {
    const lines = chapter.generalized((printed[index] ?? "").replace(/\n$/, "").split("\n"));
    const actual = lines.length === 1 && lines[0] === "" ? [] : lines;
    const line = missing(output, actual);
    assert.equal(line, undefined, `"${command}" should have printed ${line}; it printed:\n${actual.join("\n")}`);
  }
}

/** Starts a block that stays, waits for its first output, and types its lines. */
async function start(chapter: Chapter, block: Block, folder: string): Promise<Shell> {
  const commands = block.language === "console" ? commandsOf(block.text) : [];
  const script = block.language === "console" ? commands.map(({ command }) => command).join("\n") : block.text;
  const typed = directive(block, "types")?.split(", ");
  const others = [...chapter.running];
  const shell = chapter.start(`exec ${script}`, folder, typed !== undefined);
  const shown = commands.flatMap(({ output }) => output);
  // Types nothing before the line that is shown above the first typed one was printed.
  const first = shown[typed?.[0] === undefined ? 0 : shown.indexOf(typed[0]) - 1];
  assert.ok(first !== undefined, "a block that stays shows something by which one can tell that it runs");
  await shell.shows(first, ({ lines }) => chapter.generalized(lines).some((line) => isLine(first, line)));
  let last = "";
  for (const line of typed ?? []) {
    // Ctrl-C discards typed input that was not read yet: another program must have printed the last line first.
    if (line === "Ctrl-C")
      for (const other of others.slice(-1)) await other.shows(last, ({ lines }) => lines.includes(last));
    shell.type(line);
    last = line;
  }
  return shell;
}

async function expectShown(chapter: Chapter, block: Block, shell: Shell): Promise<void> {
  const shown = commandsOf(block.text).flatMap(({ output }) => output);
  await shell.shows(
    `all that line ${block.line} shows`,
    ({ lines }) => awaited(shown, chapter.generalized(lines)) === undefined,
  );
  const [first = ""] = shown;
  if (!SERVING.test(first)) return;
  const lines = chapter.generalized(shell.lines);
  const announced = lines.slice(lines.findIndex((line) => isLine(first, line))).filter((line) => !LOGGED.test(line));
  const line = missing(shown, announced);
  assert.equal(line, undefined, `the server should have announced ${line}; it announced:\n${announced.join("\n")}`);
}

function directive({ directives }: Block, name: string): string | undefined {
  const found = directives.find((said) => said === name || said.startsWith(`${name} `));
  return found?.slice(name.length).trim();
}

function firstLine({ text }: Block): string {
  return text.split("\n", 1)[0] ?? "";
}
