/**
 * Runs the wire suite against any server: `npm run wire -- http://host:port/ [difference ...]`.
 * @module
 */
import process from "node:process";
import { wireSuite } from "./suite.ts";
import type { Difference } from "./target.ts";

const [url, ...differences] = process.argv.slice(2);
if (!url || !URL.canParse(url) || new URL(url).protocol !== "http:") {
  console.error('Usage: npm run wire -- http://host:port/path [difference ...], for instance "raw text frames"');
  process.exit(2);
}
const differs = Object.fromEntries(differences.map((name) => [name, "declared on the command line"]));
wireSuite({ name: url, url, differs: differs as Partial<Record<Difference, string>> });
