/** Every program in the documentation type-checks strictly, as it would in a reader's project. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { run } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { sectionsOf } from "./markdown.ts";

const pages = [
  "README.md",
  ...(await readdir(join(ROOT, "docs"))).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];

/** The programs of a page, each with the name of its file in the folder of that page. */
async function programsOf(page: string): Promise<[file: string, text: string][]> {
  const blocks = sectionsOf(await readFile(join(ROOT, page), "utf8")).flatMap(({ blocks }) => blocks);
  const name = page.replace(/\.md$/, "").replaceAll("/", "-");
  return blocks
    .filter(({ language }) => /^(js|ts|javascript|typescript)$/.test(language))
    .map(({ line, text }) => {
      // A program that others import has its file name in the first line.
      const [, named] = /^\/\/ ([\w-]+)\.m[jt]s\n/.exec(text) ?? [];
      return [`${name}/${named ?? `line-${line + 1}`}.mts`, `${text}\nexport {};\n`];
    });
}

describe("the programs in the documentation", { timeout: 120_000 }, async () => {
  const programs = (await Promise.all(pages.map(programsOf))).flat();
  let project: string;
  let output = "";

  before(async () => {
    project = await temporaryFolder("docs-types");
    await symlink(join(ROOT, "node_modules"), join(project, "node_modules"));
    for (const [file, text] of programs) {
      await mkdir(join(project, "pages", dirname(file)), { recursive: true });
      await writeFile(join(project, "pages", file), text);
    }
    await writeFile(join(project, "tsconfig.json"), JSON.stringify(await settings()));
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    // The checkout itself is checked with even stricter options.
    output = (await run(process.execPath, [tsc, "-p", project, "--pretty", "false"])).output;
  });
  after(() => removeFolder(project));

  it("are found, each under a unique name", () => {
    assert.ok(programs.length > 5, `only ${programs.length} programs`);
    assert.equal(new Set(programs.map(([file]) => file)).size, programs.length);
  });

  for (const [file] of programs) {
    it(`type-check: ${file.replace(/\/line-(\d+)\.mts$/, ", line $1")}`, () => {
      const errors = output.split("\n").filter((line) => line.includes(file));
      assert.deepEqual(errors, []);
    });
  }
});

/** The settings of a reader's project with `strict`, where the package `httpfstream` is this checkout. */
async function settings(): Promise<object> {
  const { exports } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    exports: Record<string, { types?: string }>;
  };
  const paths: Record<string, string[]> = {};
  for (const [name, { types }] of Object.entries(exports)) {
    const source = types?.replace("./dist/", "").replace(/\.d\.ts$/, ".ts");
    if (source !== undefined) paths[join("httpfstream", name)] = [join(ROOT, source)];
  }
  const beyondStrict = { noUnusedLocals: false, noUnusedParameters: false, exactOptionalPropertyTypes: false };
  const compilerOptions = { ...beyondStrict, rootDir: "/", paths };
  const files = [join(ROOT, "examples", "deno.d.ts")];
  return { extends: join(ROOT, "tsconfig.json"), compilerOptions, files, include: ["pages"] };
}
