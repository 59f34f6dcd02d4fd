/**
 * Waits until appended bytes are stored, for peers that do not confirm appends.
 * @module
 */
import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "./generator/clock.ts";
import type { Generator } from "./generator.ts";
import type { Stage } from "./stage.ts";

/** Milliseconds after which an append that is not stored counts as lost. */
const TIMEOUT_MS = 120_000;

/** Milliseconds between two checks of a file. */
const LOOK_EVERY_MS = 2;

/** Resolves when `bytes` bytes of a path are stored; at once if the peer confirms appends. Rejects after a timeout. */
export async function untilStored({ server }: Stage, writer: Generator, path: string, bytes: number): Promise<void> {
  if (server.append(path).dialect !== "frames") return;
  // Checking the file causes no load on the server.
  if (server.file) await grown(server.file(path), bytes);
  else await writer.call("stored", { url: server.read(path).url, bytes, timeoutMs: TIMEOUT_MS });
}

async function grown(file: string, bytes: number): Promise<void> {
  const untilNs = nowNs() + TIMEOUT_MS * 1e6;
  while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < bytes) {
    if (nowNs() > untilNs) throw new Error(`${file} had fewer than ${bytes} bytes after ${TIMEOUT_MS / 1000} s.`);
    await sleep(LOOK_EVERY_MS);
  }
}
