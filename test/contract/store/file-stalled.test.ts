/** A process that was stalled for a while, and whose claims no other process has taken meanwhile. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "../../../src/stores/file/store.ts";
import { until } from "../../fixture/until.ts";
import { put } from "./driver.ts";
import { fileTest } from "./file-root.ts";

/** Milliseconds of a pause after which an owner has to verify its claims. */
const PAUSE_MS = 7_000;

/** How many loops claim and release paths concurrently. */
const LANES = 24;

for (const durability of ["os", "disk"] as const) {
  fileTest(`${durability}: claims that begin and end during a pause are not taken for lost`, async ({ root }) => {
    const store = fileStore({ root, durability });
    const held = await store.claim("held.txt");
    const servers = join(root, ".httpfstream", "servers");
    const sign = join(servers, String(readdirSync(servers)[0]));
    const system = performance.now;
    let pausedMs = 0;
    performance.now = () => system.call(performance) + pausedMs;
    let isDone = false;
    let count = 0;
    const lane = async (_: unknown, at: number): Promise<void> => {
      for (; !isDone; count++) await put(store, `lane-${at}.txt`, "x");
    };
    try {
      const lanes = Promise.all(Array.from({ length: LANES }, lane)).finally(() => {
        isDone = true;
      });
      // At the first sign of life after a pause, the process verifies every claim.
      for (let pauses = 0; pauses < 3 && !isDone; pauses++) {
        const { mtimeMs } = statSync(sign);
        pausedMs += PAUSE_MS;
        await until("a sign of life", () => isDone || statSync(sign).mtimeMs !== mtimeMs);
      }
      isDone = true;
      await lanes;
    } finally {
      performance.now = system;
    }
    await held.append(Buffer.from("still ours"));
    await held.release();
    const stored = Array.from({ length: LANES }, (_, at) => readFileSync(join(root, `lane-${at}.txt`), "utf8"));
    assert.equal(stored.join(""), "x".repeat(count));
  });
}
