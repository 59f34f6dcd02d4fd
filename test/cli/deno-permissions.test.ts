/** On Deno, the server names a missing permission in one line. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { executable, PROJECT, Program } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { within } from "../fixture/until.ts";

const ALL = ["read", "write", "net", "env", "sys"];

describe("the standalone server on Deno", { timeout: 60_000 }, () => {
  /** Starts the server with these permissions only. */
  async function startWith(allowed: readonly string[], root: string, http: string): Promise<Program> {
    const flags = ["--no-prompt", ...allowed.map((name) => `--allow-${name}`)];
    // The source: a bundle needs other permissions for its own files.
    const args = ["run", ...flags, "mod.ts", "serve", "--root", root, "--http", http];
    return new Program(await executable("deno"), args, { cwd: PROJECT, env: { NO_COLOR: "1" } });
  }

  for (const missing of ["read", "write", "net", "env"]) {
    it(`names --allow-${missing} in one line if it is missing`, async () => {
      const root = await temporaryFolder("denied");
      for (const http of missing === "net" ? ["127.0.0.1:0", "localhost:0", "[::1]:0", ":0"] : ["127.0.0.1:0"]) {
        const others = ALL.filter((name) => name !== missing);
        const server = await startWith(others, root, http);
        const exit = await within(server.exited, "the server to end").finally(() => server.stop());
        assert.equal(exit.code, 1, server.output);
        assert.match(server.output, new RegExp(`^[^\\n]*--allow-${missing}\\b[^\\n]*\\n$`));
      }
      await removeFolder(root);
    });
  }

  it("needs no more than these", async () => {
    const root = await temporaryFolder("allowed");
    for (const net of ["net", "net=127.0.0.1"]) {
      const server = await startWith(["read", "write", "env", net], root, "127.0.0.1:0");
      await server.printed(/ serving /);
      assert.equal((await server.stop()).code, 0);
    }
    await removeFolder(root);
  });
});
