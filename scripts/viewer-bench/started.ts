/**
 * Starts what the browsers talk to: the server, with the pages of the other candidates.
 * @module
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { ROOT } from "../lib/install.mjs";
import type { Traffic } from "./server.ts";

const PAGES = fileURLToPath(new URL("pages", import.meta.url));

const HTML = (name: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${name}</title><style>body, pre { margin: 0 }</style><body><script type="module" src="${name}.js"></script>`;

/** A running server of the benchmark. */
export interface Started {
  readonly url: string;
  /** Its requests and its sent bytes so far. */
  traffic(): Promise<Traffic>;
  stop(): Promise<void>;
}

/** Starts the server of a folder of logs. Makes the pages in another one. */
export async function start(logs: string, pages: string): Promise<Started> {
  mkdirSync(pages);
  for (const [name, entry] of [
    ["pre", "pre.ts"],
    ["react", "react.mjs"],
  ] as const) {
    writeFileSync(join(pages, `${name}.js`), await bundled(entry, "esm"));
    writeFileSync(join(pages, `${name}.html`), HTML(name));
  }
  const script = fileURLToPath(new URL("server.ts", import.meta.url));
  const child = fork(script, [logs, pages], { cwd: ROOT, execArgv: ["--import", "tsx"] });
  const exit = once(child, "exit");
  const ended = exit.then(() => {
    throw new Error("The server of the benchmark has ended.");
  });
  ended.catch(() => {});
  const next = async (): Promise<unknown> => (await Promise.race([once(child, "message"), ended]))[0];
  const { url } = (await next()) as { url: string };
  return {
    url,
    async traffic() {
      const answer = next();
      child.send("traffic");
      return (await answer) as Traffic;
    },
    async stop() {
      child.disconnect();
      await exit;
    },
  };
}

/** The script that runs in a page before the page's own scripts. */
export async function probeScript(): Promise<string> {
  return await bundled("probe.ts", "iife");
}

async function bundled(entry: string, format: "esm" | "iife"): Promise<string> {
  const { outputFiles } = await build({
    ...{ entryPoints: [join(PAGES, entry)], bundle: true, minify: true, write: false, format, platform: "browser" },
    ...{ target: "es2022", define: { "process.env.NODE_ENV": '"production"' }, tsconfigRaw: "{}", logLevel: "warning" },
  });
  return outputFiles[0]?.text ?? "";
}
