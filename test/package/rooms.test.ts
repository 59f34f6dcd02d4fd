/** The room check: it reports every import and every name that is not allowed in its room, and nothing else. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { checkRooms } from "../../scripts/lib/room-check.ts";
import { ROOMS } from "../../scripts/lib/rooms.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const TOP = fileURLToPath(new URL("../..", import.meta.url));

/** Maximum number of files per source folder. */
const MAX_FILES = 16;

/** Maximum number of lines per source file. */
const MAX_LINES = 300;

/** Files that follow the rules of their rooms. */
const GOOD: Record<string, string> = {
  "src/engine/append/good.ts": `import type { E } from "../../protocol/errors.ts"; export interface P { process?: E; Buffer(): void }`,
  "src/protocol/good.ts": "export const x = { process: 1 }.process; // import 'hono'; Deno",
  "src/stores/file/good.ts": `import "node:fs"; import "node:fs/promises"; import "./claims/claim.ts"; Buffer.alloc(1);`,
  "src/server/good.ts": `import "hono"; import "hono/ws"; import "./http/read.ts"; import "../engine/append/registry.ts";`,
  "src/server/http/good.ts": `import "mime"; import "../request/verb.ts";`,
  "src/runtime/good.ts": `export const it = () => import("./node/mod.ts");`,
  "src/runtime/node/good.ts": `import "ws"; import "@hono/node-server"; import "../../server/platform/platform.ts";`,
  "src/runtime/deno.ts": "Deno.version;",
  "src/runtime/bun/good.ts": `import type { ServerWebSocket } from "bun"; import "hono/bun"; Bun.version;`,
  "src/client/good.ts": `export { StreamError } from "../protocol/errors.ts";`,
  "src/cli/good.ts": `import "commander"; import "./serve/mod.ts"; process.exit();`,
};

/** Files that violate them; each has one problem, in its second line. */
const BAD: Record<string, string> = {
  "src/engine/append/sessions.ts": `import "../sessions/session.ts";`,
  "src/engine/follow/stores.ts": `import "../../stores/memory.ts";`,
  "src/engine/follow/append.ts": `import "../append/channel.ts";`,
  "src/engine/storage/server.ts": `import "../../server/app.ts";`,
  "src/protocol/engine.ts": `import "../engine/limits.ts";`,
  "src/stores/server.ts": `import "../server/app.ts";`,
  "src/stores/file/folders/claims.ts": `import "../claims/claim.ts";`,
  "src/server/http/stores.ts": `import "../../stores/memory.ts";`,
  "src/server/http/runtime.ts": `import "../../runtime/node/mod.ts";`,
  "src/server/request/http.ts": `import "../http/read.ts";`,
  "src/runtime/node/cli.ts": `import "../../cli/mod.ts";`,
  "src/runtime/bun/node.ts": `import "../node/mod.ts";`,
  "src/client/engine.ts": `import "../engine/limits.ts";`,
  "src/client/follow/append.ts": `import "../append/mod.ts";`,
  "src/cli.ts": `import "./cli/mod.ts";`,
  "src/engine/type.ts": `import type { B } from "../server/app.ts";`,
  "src/engine/re-export.ts": `export * from "../server/app.ts";`,
  "src/engine/dynamic.ts": `await import("../server/app.ts");`,
  "src/engine/node-module.ts": `import "node:fs";`,
  "src/engine/hono.ts": `import "hono";`,
  "src/server/ws.ts": `import "ws";`,
  "src/server/bun.ts": `import "hono/bun";`,
  "src/stores/hono.ts": `import "hono";`,
  "src/client/commander.ts": `import "commander";`,
  "src/engine/process.ts": "process.exit();",
  "src/engine/buffer.ts": "export const x = (y: Buffer) => y;",
  "src/server/bun-name.ts": "Bun.version;",
  "src/runtime/node/deno-name.ts": "Deno.exit();",
  "src/runtime/bun/process-name.ts": "process.exit();",
};

describe("the room check", () => {
  let root: string;
  let problems: readonly string[];
  before(async () => {
    root = await temporaryFolder("rooms");
    const bad = Object.fromEntries(Object.entries(BAD).map(([file, text]) => [file, `\n${text}`]));
    const nowhere = { "src/somewhere/a.ts": "export {};" };
    for (const [file, text] of Object.entries({ ...GOOD, ...bad, ...nowhere })) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    problems = checkRooms(root);
  });
  after(() => removeFolder(root));

  it("accepts files that follow the rules of their rooms", () => {
    assert.deepEqual(
      problems.filter((problem) => Object.keys(GOOD).some((file) => problem.startsWith(file))),
      [],
    );
  });

  for (const file of Object.keys(BAD)) {
    it(`reports ${file.slice(4)}`, () => {
      const found = problems.filter((problem) => problem.startsWith(`${file}:`));
      assert.equal(found.length, 1, found.join("\n"));
      assert.ok(found[0]?.startsWith(`${file}:2: `), found[0]);
    });
  }

  it("reports a folder that is no room", () => {
    assert.ok(problems.some((problem) => problem.startsWith("src/somewhere: is no room")));
  });
});

it("the linter refuses files that import each other, even only for a type", async () => {
  const root = await temporaryFolder("circle");
  try {
    copyFileSync(join(TOP, "biome.json"), join(root, "biome.json"));
    mkdirSync(join(root, "src"));
    writeFileSync(join(root, "src/a.ts"), `import { b } from "./b.ts";\n\nexport const a = b;\n`);
    writeFileSync(join(root, "src/b.ts"), `import type { a } from "./a.ts";\n\nexport const b: typeof a = 1;\n`);
    const biome = join(TOP, "node_modules/@biomejs/biome/bin/biome");
    const { stdout } = spawnSync(process.execPath, [biome, "lint", "--reporter=github", "."], {
      cwd: root,
      encoding: "utf8",
    });
    assert.deepEqual(
      [...stdout.matchAll(/noImportCycles.*?file=([^,]+)/g)].map(([, file = ""]) => basename(file)).sort(),
      ["a.ts", "b.ts"],
    );
  } finally {
    await removeFolder(root);
  }
});

describe("the rooms", () => {
  for (const folder of Object.keys(ROOMS).filter((place) => !place.endsWith(".ts"))) {
    it(`${folder} has at most ${MAX_FILES} files, of at most ${MAX_LINES} lines`, () => {
      const files = readdirSync(join(TOP, folder)).filter((name) => name.endsWith(".ts"));
      assert.ok(files.length > 0, "it is empty");
      assert.ok(files.length <= MAX_FILES, `it has ${files.length}`);
      for (const name of files) {
        const lines = readFileSync(join(TOP, folder, name), "utf8").split("\n").length - 1;
        assert.ok(lines <= MAX_LINES, `${name} has ${lines} lines`);
      }
    });
  }
});
