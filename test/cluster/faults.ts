/**
 * Tests of faults: each has a scene, in which appends go on through the servers while one kind of fault is inflicted.
 * @module
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import type { Load } from "../../scripts/chaos/cluster/load.ts";
import { Scene, type SceneTerms } from "../../scripts/chaos/cluster/scene.ts";
import { serverForTests } from "../fixture/nats.ts";

/** Milliseconds that one fault may take, with all that is compared after it. */
const TIMEOUT_MS = 180_000;

/** A fault: what it does, and how. */
export type Faults = Readonly<Record<string, (scene: Scene, loads: readonly Load[]) => Promise<void>>>;

/** How the scene of a group is set up. */
export interface FaultOptions {
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
export function faultSuite(title: string, faults: Faults, { terms, undo, missing }: FaultOptions = {}): void {
  sceneSuite(
    title,
    (scene) => {
      for (const [name, inflict] of Object.entries(faults)) {
        test(name, { timeout: TIMEOUT_MS }, async (t) => {
          const { problems, summary } = await scene().under((loads) => inflict(scene(), loads));
          t.diagnostic(summary);
          assert.deepEqual(problems, []);
        });
      }
    },
    { ...(terms && { terms }), ...(undo && { undo }), missing },
  );
}

/** Registers tests of one scene. */
export function sceneSuite(
  title: string,
  register: (scene: () => Scene) => void,
  { terms = () => ({}), undo, missing }: FaultOptions = {},
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
