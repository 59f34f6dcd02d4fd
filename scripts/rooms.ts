/**
 * `npm run rooms`: prints each import or global that the table in `lib/rooms.ts` forbids, and fails if there is one.
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { checkRooms } from "./lib/room-check.ts";

const problems = checkRooms(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "Every import keeps to its room." : `${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
