/**
 * package.json, its lock file, deno.json and the sources must agree.
 */
import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { VERSION } from "../../src/cli/common/version.ts";

interface PackageJson {
  name: string;
  version: string;
  license: string;
  engines: { node: string };
  exports: Record<string, string | { types: string; default: string }>;
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

interface DenoJson {
  name: string;
  version: string;
  license: string;
  exports: Record<string, string>;
  imports: Record<string, string>;
  publish: { include: string[] };
  compilerOptions: Record<string, unknown>;
}

interface LockFile extends Pick<PackageJson, "name" | "version"> {
  packages: Record<string, Partial<PackageJson> & { optionalDependencies?: Record<string, string> }>;
}

const read = async <T>(file: string): Promise<T> => JSON.parse(await readFile(join(ROOT, file), "utf8")) as T;
const npm = await read<PackageJson>("package.json");
const deno = await read<DenoJson>("deno.json");
const lock = await read<LockFile>("package-lock.json");
const tsconfig = await read<{ compilerOptions: Record<string, unknown> }>("tsconfig.json");

describe("package.json and deno.json agree on", () => {
  it("the name, the version and the licence", () => {
    assert.equal(deno.name, `@${npm.name}/${npm.name}`);
    assert.equal(deno.version, npm.version);
    assert.equal(deno.license, npm.license);
  });

  it("the exports: npm's entries are what is built from the sources of Deno's entries", () => {
    const built = Object.entries(deno.exports).map(([name, source]) => {
      const file = source.replace("./", "./dist/").replace(/\.ts$/, "");
      return [name, { types: `${file}.d.ts`, default: `${file}.js` }];
    });
    assert.deepEqual(npm.exports, { ...Object.fromEntries(built), "./package.json": "./package.json" });
  });

  it("the dependencies and their ranges", () => {
    // Deno checks the types of a published package, so it needs those of its dependencies too.
    const types = Object.entries(npm.devDependencies).filter(
      ([name]) => name.startsWith("@types/") && name.slice("@types/".length) in npm.dependencies,
    );
    const wanted = { ...npm.dependencies, ...npm.peerDependencies, ...Object.fromEntries(types) };
    const specifiers = Object.entries(wanted).map(([name, range]) => [name, `npm:${name}@${range}`]);
    assert.deepEqual(deno.imports, Object.fromEntries(specifiers));
  });

  it("the strictness of the type check", () => {
    for (const [option, value] of Object.entries(deno.compilerOptions)) {
      assert.equal(tsconfig.compilerOptions[option], value, option);
    }
  });
});

describe("package.json agrees with", () => {
  it("the version that the commands print", () => {
    assert.equal(VERSION, npm.version);
  });

  it("the lock file", () => {
    const { "": root } = lock.packages;
    assert.deepEqual([lock.name, lock.version], [npm.name, npm.version]);
    assert.deepEqual(root?.dependencies, npm.dependencies);
    assert.deepEqual(root?.peerDependencies, npm.peerDependencies);
    assert.deepEqual(root?.devDependencies, npm.devDependencies);
    assert.deepEqual(root?.bin, npm.bin);
  });

  it("the types of Node in the type check: those of the oldest supported version", () => {
    const oldest = /^>=(\d+)\.\d+\.\d+$/.exec(npm.engines.node)?.[1];
    assert.match(npm.devDependencies["@types/node"] ?? "", new RegExp(`^\\^${oldest}\\.`));
  });
});

it("the lock file covers every platform, as npm ci demands: no package lacks one of its optional dependencies", () => {
  // npm searches the node_modules folders from the inside out.
  const isLocked = (name: string, within: string): boolean =>
    `${within}/node_modules/${name}`.replace(/^\//, "") in lock.packages ||
    (within !== "" && isLocked(name, within.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, "")));
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {})
      .filter((name) => !isLocked(name, path))
      .map((name) => `${path} needs ${name}`),
  );
  assert.deepEqual(missing, []);
});

describe("the files that they name exist:", () => {
  const sources = [
    ...Object.values(deno.exports),
    ...Object.values(npm.bin).map((file) => file.replace(/^dist\//, "./").replace(/\.js$/, ".ts")),
  ];
  for (const source of sources) it(source, () => access(join(ROOT, source)));
  for (const file of deno.publish.include) it(`to be published: ${file}`, () => access(join(ROOT, file)));
});
