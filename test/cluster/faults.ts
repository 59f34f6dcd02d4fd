/**
 * Tests of faults: each has a scene, in which appends go on through the servers while one kind of fault is inflicted.
 * @module
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import type { Fault } from "../../scripts/chaos/cluster/faults.ts";
import { Scene, type SceneTerms } from "../../scripts/chaos/cluster/scene.ts";
import { serverForTests } from "../fixture/nats.ts";

/** Milliseconds that one fault may take, with all that is compared after it. */
const TIMEOUT_MS = 180_000;

/** How the scene of a suite is set up. */
export interface SceneOptions {
  /** Returns the terms, when the tests begin. */
  readonly terms?: () => Promise<Partial<SceneTerms>> | Partial<SceneTerms>;
  /** Undoes it. */
  readonly undo?: () => Promise<void> | void;
  /** Why there is no such scene here. */
  readonly missing?: string | undefined;
}

/**
 * Registers a test of each fault. After it, every appender has been told that all its bytes are stored, every follower has their
 * SHA-256, both servers have the same, and the histories of the race are linearizable.
 */
export function faultSuite(title: string, faults: Readonly<Record<string, Fault>>, options: SceneOptions = {}): void {
  const register = (scene: () => Scene): void => {
    for (const [name, inflict] of Object.entries(faults)) {
      test(name, { timeout: TIMEOUT_MS }, async (t) => {
        const report = await scene().under((loads) => inflict(scene(), loads));
        const { problems, bytes, longestMs, operations, unanswered } = report;
        t.diagnostic(`${bytes} bytes were acknowledged, and followed at both servers`);
        t.diagnostic(`an append stood still for ${(longestMs / 1000).toFixed(1)} s at most`);
        t.diagnostic(`${operations} operations of the race were judged, ${unanswered} without an answer`);
        assert.deepEqual(problems, []);
      });
    }
  };
  sceneSuite(title, register, options);
}

/** Registers tests of one scene. */
export function sceneSuite(
  title: string,
  register: (scene: () => Scene) => void,
  { terms = () => ({}), undo, missing }: SceneOptions = {},
): void {
  const server = serverForTests();
  const absent = "missing" in server ? server.missing : undefined;
  const reason = absent ?? missing;
  if (missing !== undefined && absent === undefined) console.error(`\nNOT TESTED, ${title}: ${missing}\n`);
  describe(title, reason === undefined ? {} : { skip: reason }, () => {
    let opened: Scene | undefined;
    const seed = Number(process.env["SEED"] ?? randomInt(2 ** 32));
    before(async () => {
      if ("missing" in server) return;
      console.log(`SEED=${seed}`);
      opened = await Scene.open({ program: server.path, seed, ...(await terms()) });
    });
    after(async () => {
      try {
        await opened?.close();
      } finally {
        await undo?.();
      }
    });
    register(() => {
      if (!opened) throw new Error("The scene is set up before the first test.");
      return opened;
    });
  });
}
