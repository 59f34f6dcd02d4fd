/**
 * A folder in which the client suite finds what it imports, without a build, and without a change of the user's checkout.
 * @module
 */
import { existsSync } from "node:fs";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Runtime } from "../../test/fixture/processes.ts";
import { ROOT } from "../lib/install.mjs";

/** The folder of the suite in a checkout of its repository. */
const SUITE = join("packages", "client-conformance-tests");

/** What the suite imports, and this project has among its own dependencies. */
const PACKAGES = ["@durable-streams/client", "yaml"];

/** Where the parts of the suite are. */
export interface Workspace {
  /** The module that runs the cases. */
  readonly runner: string;
  /** The program that runs the TypeScript client for it. */
  readonly adapter: string;
}

/** An argument that is not a checkout of the suite's repository. */
export class NoSuiteError extends Error {}

/**
 * Copies the suite into an empty folder.
 *
 * @param checkout A checkout of the suite's repository.
 * @param runtime What the server runs on.
 * @throws {NoSuiteError} if the checkout has no suite.
 */
export async function layOut(folder: string, checkout: string, runtime: Runtime): Promise<Workspace> {
  const source = join(checkout, SUITE);
  if (!existsSync(join(source, "src", "runner.ts"))) {
    const remedy = "clone https://github.com/durable-streams/durable-streams, and name its folder";
    throw new NoSuiteError(`There is no ${join(source, "src", "runner.ts")}; ${remedy}.`);
  }
  for (const part of ["src", "test-cases", "package.json"])
    await cp(join(source, part), join(folder, "suite", part), { recursive: true });
  const modules = join(folder, "node_modules");
  const server = join(modules, "@durable-streams", "server");
  await mkdir(server, { recursive: true });
  for (const name of PACKAGES) await symlink(join(ROOT, "node_modules", name), join(modules, name));
  const ours = new URL("./server.ts", import.meta.url).href;
  await writeFile(join(server, "package.json"), JSON.stringify({ type: "module", exports: "./index.js" }));
  await writeFile(
    join(server, "index.js"),
    `import { suiteServer } from ${JSON.stringify(ours)};
export const DurableStreamTestServer = suiteServer(${JSON.stringify(runtime)});\n`,
  );
  const programs = join(folder, "suite", "src");
  return { runner: join(programs, "runner.ts"), adapter: join(programs, "adapters", "typescript-adapter.ts") };
}
