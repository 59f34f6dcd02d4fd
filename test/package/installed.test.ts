/**
 * The package as installed from the tarball: its files, its types, its entries on each runtime, its commands.
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { after, before, describe, it } from "node:test";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { ROOT } from "../../scripts/lib/install.mjs";
import { command, type Installation, installInto, installPackage } from "../../scripts/lib/installation.ts";
import { executable, RUNTIMES, type Runtime } from "../fixture/processes.ts";

interface PackageJson {
  version: string;
  bin: Record<string, string>;
}

const { version, bin } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as PackageJson;

/** An app, and the ways to serve it. Each appends and follows over WebSockets, reads what is missing, and ends. */
const SOURCES: Record<string, string> = {
  "app.mjs": `
    import { Hono } from "hono";
    import { logger } from "hono/logger";
    import { fstream, memoryStore } from "httpfstream";
    import { append, follow } from "httpfstream/client";
    export const app = new Hono();
    app.use(logger(() => {}));
    app.route("/streams", fstream({ store: memoryStore() }));
    export async function use(port) {
      const url = \`http://127.0.0.1:\${port}/streams/a.txt\`;
      await append(url, "hello");
      let text = "";
      for await (const bytes of follow(url)) text += new TextDecoder().decode(bytes);
      const missing = await fetch(\`\${url}.never\`);
      console.log(text, missing.status, missing.headers.get("Stream-Error"));
      process.exit();
    }
  `,
  "node.mjs": `
    import { serve } from "@hono/node-server";
    import { injectWebSocket } from "httpfstream/node";
    import { app, use } from "./app.mjs";
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => use(port));
    injectWebSocket(server, app);
  `,
  "deno.mjs": `
    import { app, use } from "./app.mjs";
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => use(port) }, app.fetch);
  `,
  "bun.mjs": `
    import { websocket } from "httpfstream/bun";
    import { app, use } from "./app.mjs";
    use(Bun.serve({ fetch: app.fetch, websocket, hostname: "127.0.0.1", port: 0 }).port);
  `,
};

let installation: Installation;
before(async () => {
  installation = await installPackage();
});
after(() => installation?.remove());

describe("the tarball", () => {
  it("satisfies publint", async () => {
    const { buffer, byteOffset, byteLength } = await readFile(installation.tarball);
    const tarball = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg as Record<string, unknown>)),
      [],
    );
  });

  it("has types that resolve as its code does", async () => {
    const tarball = createPackageFromTarballData(new Uint8Array(await readFile(installation.tarball)));
    const analysis = await checkPackage(tarball);
    assert.ok(analysis.types, "it has types");
    // This package is for ES modules only, so its resolution by require() does not count.
    const notForUs = ["node10", "node16-cjs"];
    const problems = analysis.problems.filter(
      (problem) => !("resolutionKind" in problem && notForUs.includes(problem.resolutionKind)),
    );
    assert.deepEqual(problems, []);
  });

  it("has the program, and neither tests nor tools", async () => {
    const listing = await command("tar", ["-tzf", installation.tarball], ROOT);
    const files = listing
      .trim()
      .split("\n")
      .map((file) => posix.relative("package", file));
    const strange = files.filter(
      (file) =>
        !/^(dist\/(mod|src\/.+|programs\/[\w-]+)\.(js|js\.map|d\.ts)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(
          file,
        ),
    );
    assert.deepEqual(strange, []);
    for (const file of ["README.md", "LICENSE", "dist/mod.js", "dist/mod.d.ts"]) assert.ok(files.includes(file), file);
  });
});

describe("its types", () => {
  it("are complete for a strict project that does not skip library checks", async () => {
    const program = `
      import { fstream, memoryStore, type Limits, type Store, type StreamApp } from "httpfstream";
      import { append, follow, openAppend } from "httpfstream/client";
      import { injectWebSocket, serve, upgradeWebSocket } from "httpfstream/node";
      const store: Store = memoryStore();
      const limits: Partial<Limits> = { missedPings: 3 };
      export const app: StreamApp = fstream({ store, limits });
      export { append, follow, openAppend, injectWebSocket, serve, upgradeWebSocket };
      export * as deno from "httpfstream/deno";
    `;
    await compile("strict.ts", program, ["--types", "node"]);
  });

  it("fit Bun's types", async () => {
    const program = `
      import { fstream } from "httpfstream";
      import { websocket } from "httpfstream/bun";
      Bun.serve({ fetch: fstream().fetch, websocket });
    `;
    await compile("bun.ts", program, ["--types", "bun", "--skipLibCheck"]);
  });

  it("of the client fit TypeScript of 2024, whose streams can't be iterated", async () => {
    const folder = join(installation.folder, "old");
    await installInto(folder, "typescript@5.4.5");
    const program = `
      import { append, follow } from "httpfstream/client";
      const stream = follow("http://localhost/a.txt");
      for await (const bytes of stream) console.log(bytes.length, stream.offset);
      console.log((await stream.ended).reason, (await append("http://localhost/a.txt", "x")).bytes);
    `;
    await writeFile(join(folder, "client.mts"), program);
    const tsc = join(folder, "node_modules", "typescript", "bin", "tsc");
    const strictly = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom"];
    await command("node", [tsc, ...strictly, "client.mts"], folder);
  });

  async function compile(name: string, program: string, options: readonly string[]): Promise<void> {
    await writeFile(join(installation.folder, name), program);
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const lib = "es2023,dom,dom.iterable,dom.asynciterable";
    const typeRoots = join(ROOT, "node_modules", "@types");
    const strictly = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", lib];
    await command("node", [tsc, ...strictly, "--typeRoots", typeRoots, ...options, name], installation.folder);
  }
});

describe("its entries can be imported on", () => {
  const everywhere = {
    httpfstream: "fstream",
    "httpfstream/client": "follow",
    "httpfstream/auth": "jwt",
    "httpfstream/node": "serve",
    "httpfstream/web": "memoryStore",
    "httpfstream/store": "storeSuite",
  };
  const entries: Record<Runtime, Record<string, string>> = {
    node: everywhere,
    deno: { ...everywhere, "httpfstream/deno": "platform" },
    bun: { ...everywhere, "httpfstream/bun": "websocket" },
  };
  for (const runtime of RUNTIMES) {
    for (const [entry, name] of Object.entries(entries[runtime])) {
      it(`${runtime}: ${entry}`, async () => {
        const script = `import { ${name} } from "${entry}"; console.log(typeof ${name} === "undefined" ? "nothing" : "there");`;
        assert.equal(await runScript(runtime, script), "there\n");
      });
    }

    it(`${runtime}: an app that answers`, async () => {
      const script = `
        import { fstream, memoryStore } from "httpfstream";
        const app = fstream({ store: memoryStore() });
        const response = await app.request("/never/written");
        console.log(response.status, response.headers.get("Stream-Error"));
        await app.close();
      `;
      assert.equal(await runScript(runtime, script), "404 not_found\n");
    });
  }

  async function runScript(runtime: Runtime, script: string): Promise<string> {
    const file = "script.mjs";
    await writeFile(join(installation.folder, file), script);
    const options = runtime === "deno" ? ["run", "-A", "--node-modules-dir=manual", "--quiet"] : [];
    return command(await executable(runtime), [...options, file], installation.folder);
  }
});

describe("an app that brings its own hono", () => {
  const APPS = {
    "the oldest hono, and node-server 1": ["hono@4.8.0", "@hono/node-server@1.19.19"],
    "the newest hono, and node-server 2": ["hono@4", "@hono/node-server@2"],
  };
  for (const [title, packages] of Object.entries(APPS)) {
    describe(title, () => {
      let folder: string;
      before(async () => {
        folder = join(installation.folder, title.replaceAll(/\W+/g, "-"));
        await installInto(folder, installation.tarball, ...packages);
        for (const [name, source] of Object.entries(SOURCES)) await writeFile(join(folder, name), source);
      });

      it("installs one copy of hono", async () => {
        const found = await command("find", ["node_modules", "-type", "d", "-path", "*node_modules/hono"], folder);
        assert.deepEqual(found.trim().split("\n"), ["node_modules/hono"]);
      });

      for (const runtime of RUNTIMES) {
        const servers = runtime === "node" ? ["node.mjs"] : ["node.mjs", `${runtime}.mjs`];
        for (const server of servers) {
          it(`appends and follows on ${runtime}, with ${server}`, async () => {
            const options = runtime === "deno" ? ["run", "-A", "--node-modules-dir=manual", "--quiet"] : [];
            const printed = await command(await executable(runtime), [...options, server], folder);
            assert.equal(printed, "hello 404 not_found\n");
          });
        }
      }
    });
  }
});

describe("its commands", () => {
  for (const name of Object.keys(bin)) {
    it(`${name} --version`, async () => {
      const printed = await command(join(installation.bin, name), ["--version"], installation.folder);
      assert.match(printed, new RegExp(`^(${name} )?${version.replaceAll(".", "\\.")}$`, "m"));
    });

    it(`${name} --help`, async () => {
      const printed = await command(join(installation.bin, name), ["--help"], installation.folder);
      assert.match(printed, new RegExp(`Usage: ${name} `));
    });
  }
});
