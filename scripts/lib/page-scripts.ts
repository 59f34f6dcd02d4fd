/**
 * Bundles the script of the viewer page and its parts, which the page loads by `import()` when it needs them.
 *
 * A part takes the modules that the page has, too, from the script of the page, so a first view loads one script, and each
 * further one a small part. (What esbuild makes with `splitting` would put such modules into scripts of their own, and the
 * first view would load several.) The scripts name each other, so their names have one hash, of all of them.
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, join, relative, resolve } from "node:path";
import { type BuildOptions, type BuildResult, build, type Plugin } from "esbuild";
import { ROOT } from "./install.mjs";

/** Stands for the hash in the names of the scripts until it is known. It has as many characters. */
const HASH = "HASH_OF_PAGE";

/** Stands before a module that a part takes from the script of the page. */
const SHARED = "page:";

/** Scripts by their file names. */
export type Scripts = Readonly<Record<string, string>>;

/** The hash of a text, as file names have it. */
export function hashOf(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, HASH.length);
}

/** Bundles a script. */
export async function bundled(options: BuildOptions): Promise<{ readonly text: string; readonly modules: string[] }> {
  const { outputFiles, metafile }: BuildResult = await build({
    ...{ bundle: true, minify: true, write: false, format: "esm", platform: "browser", metafile: true },
    ...{ target: ["chrome123", "firefox121", "safari17.5"], charset: "utf8", legalComments: "none" },
    ...{ logLevel: "warning", tsconfigRaw: "{}", absWorkingDir: ROOT },
    ...options,
  });
  const [file] = outputFiles ?? [];
  if (!file) throw new Error("esbuild has made nothing.");
  return { text: file.text, modules: Object.keys(metafile?.inputs ?? {}) };
}

/**
 * Bundles the page and its parts.
 *
 * @param main The module of the page.
 * @param parts The modules of the parts, by the names of their scripts.
 */
export async function pageScripts(main: string, parts: Scripts, options: BuildOptions): Promise<Scripts> {
  const names = new Map(Object.entries(parts).map(([name, file]) => [file, name]));
  const plugins = [partsElsewhere(names), ...(options.plugins ?? [])];
  const { modules } = await bundled({ ...options, plugins, entryPoints: [main] });
  const shared = new Set(modules.map((module) => resolve(ROOT, module)));
  const texts: Record<string, string> = {};
  const taken = new Map<string, Set<string>>();
  for (const [file, name] of names) {
    const { text } = await bundled({ ...options, plugins: [sharedElsewhere(shared), ...plugins], entryPoints: [file] });
    texts[name] = text.replace(
      new RegExp(`import\\{([^}]*)\\}from"${SHARED}([^"]*)"`, "g"),
      (_, list: string, from) => {
        const known = taken.get(from) ?? new Set();
        for (const one of list.split(",")) known.add(one.replace(/ as .*/, ""));
        taken.set(from, known);
        return `import{${list}}from"./page-${HASH}.js"`;
      },
    );
    if (texts[name].includes(`"${SHARED}`)) throw new Error(`The script ${name} imports something without a name.`);
  }
  const contents = [`import "./${relative(ROOT, main)}";`];
  for (const [from, list] of taken) contents.push(`export { ${[...list].join(", ")} } from "./${from}";`);
  const stdin = { contents: contents.join("\n"), resolveDir: ROOT, loader: "ts" } as const;
  texts.page = (await bundled({ ...options, plugins, stdin })).text;
  const hash = hashOf(JSON.stringify(texts));
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [`${name}-${hash}.js`, text.replaceAll(HASH, hash)]),
  );
}

/** Leaves the modules of the parts to their scripts. */
function partsElsewhere(names: ReadonlyMap<string, string>): Plugin {
  return {
    name: "parts-elsewhere",
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        const name = kind === "dynamic-import" ? names.get(join(resolveDir, path)) : undefined;
        return name === undefined ? undefined : { path: `./${name}-${HASH}.js`, external: true };
      });
    },
  };
}

/** Leaves the modules of the page to its script. */
function sharedElsewhere(shared: ReadonlySet<string>): Plugin {
  return {
    name: "shared-elsewhere",
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, importer }) => {
        const file = join(dirname(importer), path);
        if (importer === "" || !shared.has(file)) return undefined;
        return { path: SHARED + relative(ROOT, file), external: true };
      });
    },
  };
}
