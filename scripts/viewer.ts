/**
 * `npm run viewer`: builds the viewer page from `src/viewer` into `src/viewer/assets.ts`, from which the server sends it. With
 * `--check`, it compares instead of writing; `npm test` runs that.
 * @module
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gunzipSync, gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";
import type { Asset } from "../src/viewer/assets.ts";
import { ROOT } from "./lib/install.mjs";

const FOLDER = join(ROOT, "src", "viewer");
const OUTPUT = join(FOLDER, "assets.ts");

/** Maximum compressed bytes: of the page with its style and script, of the worker, and of the worker for Markdown. */
const BUDGETS = { page: 30 * 1024, worker: 15 * 1024, markdown: 22 * 1024 };

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
  const worker = await bundled(join(FOLDER, "worker", "main.ts"), {});
  const workerName = named("worker", "js", worker);
  const markdown = LICENSE + (await bundled(join(FOLDER, "worker", "markdown.ts"), {}));
  const markdownName = named("markdown", "js", markdown);
  const names = { WORKER: JSON.stringify(workerName), MARKDOWN: JSON.stringify(markdownName) };
  const script = await bundled(join(FOLDER, "page", "main.ts"), names);
  const style = await bundled(join(FOLDER, "page", "page.css"), {});
  const [scriptName, styleName] = [named("page", "js", script), named("page", "css", style)];
  const html = readFileSync(join(FOLDER, "page", "page.html"), "utf8");
  return {
    page: html.replace("%SCRIPT%", scriptName).replace("%STYLE%", styleName),
    assets: {
      [scriptName]: { type: "text/javascript; charset=utf-8", content: script },
      [styleName]: { type: "text/css; charset=utf-8", content: style },
      [markdownName]: { type: "text/javascript; charset=utf-8", content: markdown },
      [workerName]: { type: "text/javascript; charset=utf-8", content: worker },
    },
  };
}

async function bundled(entry: string, define: Record<string, string>): Promise<string> {
  const { outputFiles } = await build({
    ...{ entryPoints: [entry], bundle: true, minify: true, write: false, format: "esm", platform: "browser" },
    ...{ target: ["chrome123", "firefox121", "safari17.5"], charset: "utf8", legalComments: "none", define },
    ...{ plugins: [withoutUnneeded], logLevel: "warning", tsconfigRaw: "{}", absWorkingDir: ROOT },
  });
  const [file] = outputFiles;
  if (!file) throw new Error(`esbuild has made nothing of ${entry}.`);
  return file.text;
}

function named(name: string, extension: string, content: string): string {
  return `${name}-${hashOf(content)}.${extension}`;
}

function hashOf(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 12);
}

function compressed(content: string): number {
  return gzipSync(content, GZIP).length;
}

function overBudget({ page, assets }: Built): string[] {
  const sizes = { page: compressed(page), worker: 0, markdown: 0 };
  for (const [name, { content }] of Object.entries(assets)) {
    const part = (["worker", "markdown"] as const).find((one) => name.startsWith(one)) ?? "page";
    sizes[part] += compressed(content);
  }
  return (["page", "worker", "markdown"] as const)
    .filter((part) => sizes[part] > BUDGETS[part])
    .map((part) => `The ${part} of the viewer has ${sizes[part]} bytes, compressed, and may have ${BUDGETS[part]}.`);
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
