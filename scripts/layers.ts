/**
 * `npm run layers [-- FOLDER]`: prints what breaks the floor plan, and fails when anything does.
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { checkLayers } from "./lib/layer-check.ts";

const root = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const { files, imports, problems } = checkLayers(root);
for (const problem of problems) console.error(problem);
console.log(`${files} files, ${imports} imports, ${problems.length} against the floor plan`);
if (problems.length > 0) process.exitCode = 1;
