/**
 * `npm run viewer`: builds the viewer page from `src/viewer` into `src/viewer/assets.ts`, from which the server sends it. With
 * `--check`, it compares instead of writing; `npm test` runs that.
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Plugin } from "esbuild";
import type { Asset } from "../src/viewer/assets.ts";
import { ROOT } from "./lib/install.mjs";
import { bundled, hashOf, pageScripts } from "./lib/page-scripts.ts";

const FOLDER = join(ROOT, "src", "viewer");
const OUTPUT = join(FOLDER, "assets.ts");

/** The parts of the page that a plain log does not need, and their modules. `page/parts.ts` loads them. */
const PARTS = {
  ...{ folder: "folder.ts", document: "document.ts", data: "views/data.ts" },
  ...{ actions: "actions.ts", filter: "tools/filter.ts" },
} as const;

/** Maximum compressed bytes: of the page with its style and script, of each part, of the worker, and of that for Markdown. */
const BUDGETS = {
  ...{ page: 30 * 1024, worker: 15 * 1024, markdown: 22 * 1024 },
  ...{ folder: 3 * 1024, document: 4 * 1024, data: 4 * 1024, actions: 3 * 1024, filter: 2 * 1024 },
} as const;

const GZIP = { level: 9, memLevel: 9 };

/** The notice in front of the script that contains the package `marked`. */
const LICENSE =
  "/* marked: Copyright (c) 2018-2026, MarkedJS; Copyright (c) 2011-2018, Christopher Jeffrey. MIT License: https://github.com/markedjs/marked */\n";

/** Parts of the client that the page does not need, and their replacements: it runs in browsers, and only talks to this server. */
const UNNEEDED = {
  "connection/socket-ws.ts": "export const connectWs = undefined;",
  "connection/original-server.ts": "export const isOriginalServer = async () => false;",
  "follow/durable.ts": "export const durableFollow = undefined;",
};

const withoutUnneeded: Plugin = {
  name: "without-unneeded",
  setup({ onLoad }) {
    for (const [file, contents] of Object.entries(UNNEEDED)) {
      const filter = new RegExp(`client/${file.replace(".", "\\.")}$`);
      onLoad({ filter }, () => ({ contents, loader: "ts" }));
    }
  },
};

interface Built {
  readonly page: string;
  readonly assets: Readonly<Record<string, { readonly type: string; readonly content: string }>>;
}

const built = await buildAll();
const problems = overBudget(built);
if (process.argv.includes("--check")) problems.push(...(await differences(built)));
else if (problems.length === 0) writeFileSync(OUTPUT, sourceOf(built));
for (const problem of problems) console.error(problem);
console.log(
  Object.entries(built.assets)
    .map(([name, { content }]) => `${name}: ${content.length} bytes, ${gzipSync(content, GZIP).length} compressed`)
    .join("\n"),
);
if (problems.length > 0) process.exitCode = 1;

async function buildAll(): Promise<Built> {
  const plugins = [withoutUnneeded];
  const page = (...names: string[]): string => join(FOLDER, "page", ...names);
  const worker = await scriptOf(join(FOLDER, "worker", "main.ts"));
  const workerName = named("worker", "js", worker);
  const markdown = LICENSE + (await scriptOf(join(FOLDER, "worker", "markdown.ts")));
  const markdownName = named("markdown", "js", markdown);
  const define = { WORKER: JSON.stringify(workerName), MARKDOWN: JSON.stringify(markdownName) };
  const parts = Object.fromEntries(Object.entries(PARTS).map(([name, file]) => [name, page(file)]));
  const scripts = await pageScripts(page("main.ts"), parts, { define, plugins });
  const scriptName = Object.keys(scripts).find((name) => name.startsWith("page-")) ?? "";
  const style = await scriptOf(page("page.css"));
  const styleName = named("page", "css", style);
  const html = readFileSync(page("page.html"), "utf8");
  const type = "text/javascript; charset=utf-8";
  return {
    page: html.replace("%SCRIPT%", scriptName).replace("%STYLE%", styleName),
    assets: {
      ...Object.fromEntries(Object.entries(scripts).map(([name, content]) => [name, { type, content }])),
      [styleName]: { type: "text/css; charset=utf-8", content: style },
      [markdownName]: { type, content: markdown },
      [workerName]: { type, content: worker },
    },
  };

  async function scriptOf(file: string): Promise<string> {
    return (await bundled({ entryPoints: [file], plugins })).text;
  }
}

function named(name: string, extension: string, content: string): string {
  return `${name}-${hashOf(content)}.${extension}`;
}

function compressed(content: string): number {
  return gzipSync(content, GZIP).length;
}

function overBudget({ page, assets }: Built): string[] {
  const sizes = new Map<string, number>([["page", compressed(page)]]);
  for (const [name, { content }] of Object.entries(assets)) {
    const [part = ""] = name.split("-");
    sizes.set(part, (sizes.get(part) ?? 0) + compressed(content));
  }
  return Object.entries(BUDGETS).flatMap(([part, most]) => {
    const size = sizes.get(part) ?? 0;
    return size > most ? [`The ${part} of the viewer has ${size} bytes, compressed, and may have ${most}.`] : [];
  });
}

/** Compares the committed file with the sources, uncompressed: compressed bytes differ between versions of Node. */
async function differences({ page, assets }: Built): Promise<string[]> {
  const { PAGE, ASSETS } = await import("../src/viewer/assets.ts");
  const known = Object.entries(ASSETS as Readonly<Record<string, Asset>>).map(
    ([name, { gzip }]) => [name, gunzipSync(Buffer.from(gzip, "base64")).toString()] as const,
  );
  const made = Object.entries(assets).map(([name, { content }]) => [name, content] as const);
  if (PAGE === page && JSON.stringify(known) === JSON.stringify(made)) return [];
  return ['src/viewer/assets.ts is out of date. Run "npm run viewer", and commit it.'];
}

function sourceOf({ page, assets }: Built): string {
  const rows = Object.entries(assets).map(
    ([name, { type, content }]) =>
      `  ${JSON.stringify(name)}: {\n    type: ${JSON.stringify(type)},\n    gzip: ${JSON.stringify(gzipSync(content, GZIP).toString("base64"))},\n  },\n`,
  );
  return `/**
 * The viewer page as the server sends it. Made by \`npm run viewer\`; do not edit.
 * @module
 */

/** A file that the page loads. */
export interface Asset {
  readonly type: string;
  /** The content, compressed with gzip, in base64. */
  readonly gzip: string;
}

/** The hash of this build. */
export const BUILD: string = ${JSON.stringify(hashOf(page))};

/** The page, with \`%ASSETS%\` in place of the address of the assets. */
export const PAGE: string = ${JSON.stringify(page)};

/** The assets by their names. */
export const ASSETS: Readonly<Record<string, Asset>> = {
${rows.join("")}};
`;
}
