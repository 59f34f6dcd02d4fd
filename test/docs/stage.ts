/**
 * The environment of a page's code blocks. It resembles a reader's machine: a checkout, the commands installed from the
 * package, a project that uses it, and a server.
 *
 * A page uses port 8080, the home folder `/home/ada` and `/tmp/httpfstream`. Here these are a free port and two
 * temporary folders; the commands and their output are translated both ways.
 * @module
 */
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { isInstalled, ROOT } from "../../scripts/lib/install.mjs";
import { type Installation, installPackage } from "../../scripts/lib/installation.ts";
import { executable, RUNTIMES } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { freePort } from "./free-port.ts";
import { Shell, type Surroundings } from "./shell.ts";

/** The parts of a clone of the repository that pages use. */
const CHECKOUT = [
  ...["mod.ts", "src", "scripts", "examples", "test", "package.json", "package-lock.json", "deno.json"],
  ...["tsconfig.json", "tsconfig.build.json", "README.md", "CHANGELOG.md", "LICENSE"],
];

/** Files that a reader already has. */
const FILES: Readonly<Record<string, string>> = {
  Makefile: "all:\n\t@echo compiling\n\t@echo linking\n\t@echo done\n",
  "disk.img": "0123456789abcdef".repeat(64 * 1024),
};

/** The project of the reader. */
export interface ProjectOptions {
  /** Packages besides this one that it has. Default: none. */
  readonly packages?: readonly string[];
  /** A module that is preloaded into all programs on Node. Default: none. */
  readonly preload?: string;
}

/** The commands, installed once for all chapters. */
export class Machine {
  readonly #installation: Installation;
  readonly #bin: string;

  private constructor(installation: Installation, bin: string) {
    this.#installation = installation;
    this.#bin = bin;
  }

  /**
   * Builds and installs the package.
   *
   * @throws {Error} If node_modules is not up to date.
   */
  static async make(): Promise<Machine> {
    if (!isInstalled("all", ROOT))
      throw new Error(`node_modules is not up to date in ${ROOT}; run "npm ci" there first`);
    const bin = await temporaryFolder("docs-bin");
    for (const runtime of RUNTIMES) await symlink(await executable(runtime), join(bin, runtime));
    await writeFile(join(bin, ".curlrc"), "silent\nshow-error\n");
    return new Machine(await installPackage(), bin);
  }

  /** Creates a new home folder. */
  async chapter({ packages = [], preload }: ProjectOptions = {}): Promise<Chapter> {
    const home = await temporaryFolder("docs");
    const checkout = join(home, "httpfstream");
    const project = join(home, "project");
    const modules = join(this.#installation.package, "node_modules");
    await mkdir(checkout);
    for (const name of CHECKOUT) await cp(join(ROOT, name), join(checkout, name), { recursive: true });
    await symlink(join(ROOT, "node_modules"), join(checkout, "node_modules"));
    await cp(this.#installation.tarball, join(checkout, "httpfstream-0.1.0.tgz"));
    await mkdir(join(project, "node_modules", "@hono"), { recursive: true });
    await symlink(this.#installation.package, join(project, "node_modules", "httpfstream"));
    // Copied: with a link in its place, npm fails to install a package that depends on it.
    for (const name of ["jose", "@hono/node-server"]) {
      await cp(join(modules, name), join(project, "node_modules", name), { recursive: true });
    }
    await symlink(join(modules, "hono"), join(project, "node_modules", "hono"));
    for (const name of packages) await symlink(join(ROOT, "node_modules", name), join(project, "node_modules", name));
    await writeFile(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(checkout, name), text);
    const env = this.#environment(home);
    if (preload !== undefined) env["NODE_OPTIONS"] = `--import=${pathToFileURL(preload).href}`;
    return new Chapter(home, await freePort(), env);
  }

  /** Removes the installation. */
  async remove(): Promise<void> {
    await this.#installation.remove();
    await removeFolder(this.#bin);
  }

  #environment(home: string): NodeJS.ProcessEnv {
    const npm = { npm_config_prefix: join(home, "npm"), npm_config_prefer_offline: "true" };
    const path = [this.#bin, join(home, "npm", "bin"), this.#installation.bin, process.env["PATH"]].join(delimiter);
    // The variables that npm has set for the test run must not reach the npm that a block runs.
    const inherited = Object.entries(process.env).filter(([name]) => !/^npm_|^INIT_CWD$|^NODE_OPTIONS$/.test(name));
    return { ...Object.fromEntries(inherited), ...npm, PATH: path, CURL_HOME: this.#bin, NO_COLOR: "1" };
  }
}

/** A part of a page: blocks that build on each other. */
export class Chapter {
  readonly home: string;
  readonly #port: number;
  readonly #env: NodeJS.ProcessEnv;
  /** Programs that keep running, in the order in which they were started. */
  readonly running: Shell[] = [];

  constructor(home: string, port: number, env: NodeJS.ProcessEnv) {
    this.home = home;
    this.#port = port;
    this.#env = { ...env, HTTPFSTREAM_HTTP: `127.0.0.1:${port}` };
  }

  /** Translates the text of a page to this environment. */
  localized(text: string): string {
    return text
      .replace(/\b8080\b/g, String(this.#port))
      .replaceAll("/tmp/httpfstream", join(this.home, "tmp"))
      .replaceAll("/home/ada", this.home);
  }

  /** Translates the output in this environment to that of a page. */
  generalized(lines: readonly string[]): string[] {
    return lines.map((line) =>
      line
        .replaceAll(String(this.#port), "8080")
        .replaceAll(join(this.home, "tmp"), "/tmp/httpfstream")
        .replaceAll(this.home, "/home/ada"),
    );
  }

  /** Runs a script in one of the home's folders. */
  shell(script: string, folder: string, terminal = false): Shell {
    return new Shell(this.localized(script), this.#surroundings(folder), terminal);
  }

  /** Starts a program that keeps running. */
  start(script: string, folder: string, terminal = false): Shell {
    const shell = this.shell(script, folder, terminal);
    this.running.push(shell);
    return shell;
  }

  /** Writes a file of a page. */
  async write(folder: string, name: string, text: string): Promise<void> {
    await writeFile(join(this.home, folder, name), `${this.localized(text)}\n`);
  }

  /** Starts a server on the page's port, unless a program is already running. */
  async ensureServer(): Promise<void> {
    if (this.running.length > 0) return;
    await this.start("exec httpfstream serve", "httpfstream").shows("that it serves", ({ output }) =>
      output.includes("serving"),
    );
  }

  /** Ends all programs. */
  async stop(): Promise<void> {
    const shells = this.running.splice(0).reverse();
    const ends = await Promise.allSettled(shells.map((shell) => shell.stop()));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Ends all programs and removes the home folder. */
  async remove(): Promise<void> {
    await this.stop().finally(() => removeFolder(this.home));
  }

  #surroundings(folder: string): Surroundings {
    return { cwd: join(this.home, folder), env: this.#env };
  }
}
