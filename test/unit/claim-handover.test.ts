/** A claim that another process has handed over, and an appender that comes before its owner has it. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { AppendRegistry } from "../../src/engine/append/registry.ts";
import { claimInTime } from "../../src/engine/durable/claim-in-time.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import { appenderConflict } from "../../src/engine/storage/conflicts.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { withMembers } from "../fixture/durable-rig.ts";

/** More turns than the appender needs. It must not take one for each turn, or nothing else happens in the process. */
const TURNS = 5_000;

it("an appender waits for the owner of a claim, and not in a loop, while the request for the claim is withdrawn", async (t) => {
  const memory = memoryStore();
  let isHeld = true;
  let raw: ReturnType<AppendRegistry["admit"]> | undefined;
  const claim: Store["claim"] = (path, options) => {
    if (!isHeld) return memory.claim(path, options);
    isHeld = false;
    return Promise.reject(appenderConflict(path));
  };
  const withdraw = async (): Promise<void> => {
    raw = registry.admit("a");
    for (let turn = 0; turn < TURNS; turn++) await undefined;
  };
  const store = withMembers(memory, { claim, requestHandover: async () => withdraw });
  const registry = new AppendRegistry(store, resolveLimits({}));
  const looks = t.mock.method(registry, "assertFree");
  const attempt = { path: "a", terms: { enforcesStreamRules: true }, untilMs: performance.now() + 30_000 };
  const admission = await claimInTime(registry, attempt);
  const count = looks.mock.callCount();
  const endIfLeft = (): boolean => {
    void admission.end("complete");
    return true;
  };
  admission.connect({ endIfLeft });
  assert.ok(raw);
  await (await raw).end("complete");
  assert.ok(count < 10, `it has looked ${count} times whether the path is free`);
});
