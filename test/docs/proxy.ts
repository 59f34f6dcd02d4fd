/**
 * nginx and Caddy with the configurations of docs/operate.md.
 * @module
 */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "../fixture/http.ts";
import { PROJECT, Program } from "../fixture/processes.ts";
import { until } from "../fixture/until.ts";
import { debianProgram } from "./debian-program.ts";
import { freePort } from "./free-port.ts";
import { sectionsOf } from "./markdown.ts";
import { nginxArguments, nginxConfiguration, replaced } from "./nginx.ts";

/** A proxy that the page has a configuration for. */
export interface ProxyKind {
  readonly name: string;
  /** Where the package has the program, relative to the root. */
  readonly paths: readonly string[];
  /** The language of its code block. */
  readonly language: string;
  /** The whole configuration, for a port and a folder. */
  configuration(block: string, port: number, folder: string): string;
  arguments(file: string, folder: string): string[];
}

/** The proxies of the page. */
export const PROXIES: readonly ProxyKind[] = [
  {
    name: "nginx",
    paths: ["usr/sbin/nginx"],
    language: "nginx",
    configuration: nginxConfiguration,
    arguments: nginxArguments,
  },
  {
    name: "caddy",
    paths: ["usr/bin/caddy"],
    language: "caddyfile",
    configuration: (block, port) =>
      `{\n\tadmin off\n\tauto_https off\n}\n${replaced(block, "streams.example.com {", `http://127.0.0.1:${port} {`)}\n`,
    arguments: (file) => ["run", "--adapter", "caddyfile", "--config", file],
  },
];

/** A proxy that runs. */
export interface RunningProxy {
  /** Its URL, without a trailing slash. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The programs of the proxies, in their order; undefined for one that can't be had. */
export async function proxyPrograms(folder: string): Promise<(string | undefined)[]> {
  const programs: (string | undefined)[] = [];
  for (const { name, paths } of PROXIES) programs.push(await debianProgram(name, paths, folder));
  return programs;
}

/**
 * Starts a proxy in front of a server.
 *
 * @param program Its executable.
 * @param target The URL of the server.
 * @param folder A folder of its own, which is made.
 * @param change What is to be different from the page.
 */
export async function startProxy(
  proxy: ProxyKind,
  program: string,
  target: string,
  folder: string,
  change: (block: string) => string = (block) => block,
): Promise<RunningProxy> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const block = change(replaced(await blockOf(proxy.language), "127.0.0.1:8080", new URL(target).host));
  await mkdir(folder);
  const file = join(folder, "configuration");
  await writeFile(file, proxy.configuration(block, port, folder));
  const running = new Program(program, proxy.arguments(file, folder), { env: { HOME: folder } });
  await until(`${proxy.name} to listen`, async () => {
    assert.ok(!running.stdout.ended, `${proxy.name} ended:\n${running.output}`);
    return (await request(url, { target: "/" }).catch(() => undefined)) !== undefined;
  });
  return {
    url,
    async stop() {
      await running.stop();
    },
  };
}

async function blockOf(language: string): Promise<string> {
  const page = await readFile(join(PROJECT, "docs", "operate.md"), "utf8");
  const blocks = sectionsOf(page).flatMap((section) => section.blocks);
  const block = blocks.find((candidate) => candidate.language === language);
  assert.ok(block, `the page has a block of ${language}`);
  return block.text;
}
