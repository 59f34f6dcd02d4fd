/**
 * Runs the simulations as a program; see `simulate.ts`. The hooks of the test runner would make promises slow.
 * @module
 */
import process from "node:process";
import { APPEND_SCHEDULE, playAppend } from "./append.ts";
import { FOLLOW_SCHEDULE, playFollow } from "./follow.ts";
import { simulate } from "./simulate.ts";

// The simulations create many errors, and capturing their stacks would cost more than everything else.
Error.stackTraceLimit = Number(process.env["STACK"] ?? 0);

const [name, runs = "1000", seed = String(Math.floor(Math.random() * 2 ** 31))] = process.argv.slice(2);
const how = { runs: Number(runs), seed: Number(seed) };
process.stderr.write(`${name}: ${how.runs} schedules from the seed ${how.seed}\n`);

const summary =
  name === "follow"
    ? await simulate(FOLLOW_SCHEDULE, playFollow, how)
    : await simulate(APPEND_SCHEDULE, playAppend, how);
process.stdout.write(`${JSON.stringify(summary)}\n`);
