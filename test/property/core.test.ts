/** The engine under random schedules, in this process. */
import { test } from "node:test";
import fc from "fast-check";
import { schedules } from "./schedule.ts";
import { settings } from "./settings.ts";
import { play } from "./world.ts";

test("in any order of events every follower gets the file's bytes, each once, and the end", async () => {
  await fc.assert(fc.asyncProperty(schedules(60), play), settings(1000));
});

test("the same, with long schedules", async () => {
  await fc.assert(fc.asyncProperty(schedules(400), play), settings(50));
});
