/**
 * The layer check: it must report every way of breaking the floor plan, and nothing else.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { checkLayers } from "../../scripts/lib/layer-check.ts";
import { moduleFacts } from "../../scripts/lib/module-facts.ts";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** What the check says of a tree with these files. */
async function problemsOf(files: Record<string, string>): Promise<readonly string[]> {
  const root = await mkdtemp(join(tmpdir(), "layers-"));
  folders.push(root);
  for (const [file, text] of Object.entries({ "mod.ts": "export {};", ...files })) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  return checkLayers(root).problems;
}

describe("a tree that keeps to the floor plan", () => {
  it("passes", async () => {
    const problems = await problemsOf({
      "mod.ts": `import process from "node:process"; export * from "./src/fstream.ts"; process.argv;`,
      "src/fstream.ts": `import "./faces/app.ts"; import "./stores/file.ts"; import "./runtime/detect.ts";`,
      "src/core/errors.ts": "export const x = { process: 1 }.process;",
      "src/core/hub.ts": `import type { E } from "./errors.ts"; export interface P { process?: E; Buffer(): void }`,
      "src/stores/file.ts": `import "node:fs"; import "../core/hub.ts"; Buffer.alloc(1);`,
      "src/faces/app.ts": `import "hono"; import "hono/ws"; import "mime"; import "../core/hub.ts";`,
      "src/runtime/detect.ts": `export const it = () => import("./node.ts");`,
      "src/runtime/node.ts": `import "ws"; import "@hono/node-server"; import "../faces/app.ts";`,
      "src/runtime/deno.ts": "const { Deno } = globalThis as never; Deno;",
      "src/runtime/bun-port.ts": `import type { ServerWebSocket } from "bun"; import "hono/bun";`,
      "src/client/mod.ts": `export { StreamError } from "../core/errors.ts";`,
      "src/cli/main.ts": `import "commander"; import "../client/mod.ts"; import "../fstream.ts"; process.exit();`,
    });
    assert.deepEqual(problems, []);
  });
});

describe("what breaks the floor plan is reported with its file and line", () => {
  const broken: [what: string, file: string, text: string, problem: RegExp][] = [
    [
      "core -> stores",
      "src/core/a.ts",
      `\nimport "../stores/b.ts";`,
      /^src\/core\/a\.ts:2: core must not import stores/,
    ],
    ["core -> faces", "src/core/a.ts", `import "../faces/b.ts";`, /core must not import faces/],
    ["stores -> faces", "src/stores/a.ts", `import "../faces/b.ts";`, /stores must not import faces/],
    ["faces -> stores", "src/faces/a.ts", `import "../stores/b.ts";`, /faces must not import stores/],
    ["faces -> runtime", "src/faces/a.ts", `import "../runtime/node.ts";`, /faces must not import runtime\/node/],
    ["runtime -> cli", "src/runtime/node.ts", `import "../cli/main.ts";`, /runtime\/node must not import cli/],
    ["one runtime -> another", "src/runtime/deno.ts", `import "./node.ts";`, /deno must not import runtime\/node/],
    ["client -> core's insides", "src/client/a.ts", `import "../core/hub.ts";`, /client must not import core/],
    ["vocabulary -> core's insides", "src/core/path.ts", `import "./hub.ts";`, /vocabulary must not import core/],
    ["fstream -> cli", "src/fstream.ts", `import "./cli/main.ts";`, /fstream must not import cli/],
    ["a type import", "src/core/a.ts", `import type { B } from "../faces/b.ts";`, /core must not import faces/],
    ["a re-export", "src/core/a.ts", `export * from "../faces/b.ts";`, /core must not import faces/],
    ["a dynamic import", "src/core/a.ts", `await import("../faces/b.ts");`, /core must not import faces/],
    ["an import in a type", "src/core/a.ts", `type B = import("../faces/b.ts").B;`, /core must not import faces/],
    ["a computed import", "src/core/a.ts", "await import(['./', 'x.ts'].join(''));", /computed name/],
    ["node: in core", "src/core/a.ts", `import "node:fs";`, /"node:fs" has no place in core/],
    ["hono in core", "src/core/a.ts", `import "hono";`, /"hono" has no place in core/],
    ["ws in core", "src/core/a.ts", `import "ws";`, /"ws" has no place in core/],
    ["node: in faces", "src/faces/a.ts", `import "node:fs";`, /"node:fs" has no place in faces/],
    ["ws in faces", "src/faces/a.ts", `import "ws";`, /"ws" has no place in faces/],
    ["a runtime's helper in faces", "src/faces/a.ts", `import "hono/bun";`, /"hono\/bun" has no place in faces/],
    ["hono in stores", "src/stores/a.ts", `import "hono";`, /"hono" has no place in stores/],
    ["hono/bun in deno.ts", "src/runtime/deno.ts", `import "hono/bun";`, /"hono\/bun" has no place/],
    ["commander in the client", "src/client/a.ts", `import "commander";`, /"commander" has no place in client/],
    ["process in core", "src/core/a.ts", "process.exit();", /"process" has no place in core/],
    ["Buffer in core", "src/core/a.ts", "export const x = (y: Buffer) => y;", /"Buffer" has no place in core/],
    ["Deno in core", "src/core/a.ts", "globalThis; const { Deno } = x;", /"Deno" has no place in core/],
    ["Bun in faces", "src/faces/a.ts", "Bun.version;", /"Bun" has no place in faces/],
    ["Deno in node.ts", "src/runtime/node.ts", "Deno.exit();", /"Deno" has no place in runtime\/node/],
    ["process in deno.ts", "src/runtime/deno.ts", "process.exit();", /"process" has no place in runtime\/deno/],
    ["a file without a room", "src/somewhere/a.ts", "export {};", /belongs to no room/],
  ];
  for (const [what, file, text, problem] of broken) {
    it(what, async () => {
      const problems = await problemsOf({ [file]: text });
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", problem);
    });
  }

  it("a cycle, once", async () => {
    const problems = await problemsOf({
      "src/core/a.ts": `import "./b.ts";`,
      "src/core/b.ts": `import type { C } from "./c.ts";`,
      "src/core/c.ts": `export * from "./a.ts";`,
    });
    const circle = "src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts";
    assert.deepEqual(problems, [`src/core/a.ts: imports itself in a circle: ${circle}`]);
  });
});

describe("the facts of a file", () => {
  it("are not taken from comments, strings and property names", () => {
    const source = `
      // import "hono"; process.exit()
      export const text = "import 'ws'; Deno.exit()" + \`Bun\` + /Buffer/.source;
      export const object = { process: 1, Bun() {} };
      object.process;
    `;
    assert.deepEqual(moduleFacts("a.ts", source, ["process", "Deno", "Bun", "Buffer"]), { imports: [], globals: [] });
  });

  it("need a file that parses", () => {
    assert.throws(() => moduleFacts("a.ts", "import {", []), SyntaxError);
  });
});
