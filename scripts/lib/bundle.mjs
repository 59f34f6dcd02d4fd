/**
 * Bundles the programs of a compiled checkout. Unbundled, each loads over four hundred files before it does anything, which
 * doubles the time and the processor time of its start. The library stays as it was compiled, and so does `mod.js`, which exports
 * it, too: apps bundle it themselves.
 * @module
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";

/**
 * Replaces the programs in a folder with compiled code by their bundles; what they share is in `programs`. Packages are not
 * bundled.
 *
 * @param dist The path of the folder.
 * @throws {Error} If a program imports a file that does not exist.
 */
export function bundlePrograms(dist) {
  const bin = join("src", "cli", "bin");
  const commands = readdirSync(join(dist, bin)).filter((name) => name.endsWith(".js"));
  bundle({
    entryPoints: commands.map((name) => join(dist, bin, name)),
    outdir: dist,
    outbase: dist,
    allowOverwrite: true,
    chunkNames: "programs/[name]-[hash]",
    packages: "external",
  });
}

/**
 * Bundles programs for Node; what they share is in chunks.
 *
 * @param {import("esbuild").BuildOptions} options What differs from one use to the other.
 * @throws {Error} If a program imports a file that does not exist.
 */
export function bundle(options) {
  buildSync({
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20.9",
    // The sources are in the maps of the compiled files already.
    sourcemap: true,
    sourcesContent: false,
    logLevel: "error",
    ...options,
  });
}
