/**
 * `node scripts/run.mjs scripts/session.ts`: records a session in real terminals and renders it to `docs/session.svg`.
 * Needs tmux and make.
 * @module
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./lib/install.mjs";
import { recordSession } from "./lib/session.ts";
import { drawTerminals } from "./lib/terminal-svg.ts";

const file = join(ROOT, "docs", "session.svg");
const description = "A terminal session: httpfstream serve, a build that is appended to it, and a follower.";
await writeFile(file, drawTerminals(await recordSession(), description));
console.log(`drawn: ${file}`);
