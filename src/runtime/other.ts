/**
 * Anywhere else: plain HTTP works, and WebSockets do with the helper that the app passes as `upgradeWebSocket`.
 * @module
 */
import { StreamError } from "../protocol/errors.ts";
import type { Platform } from "../server/platform/platform.ts";

/** A runtime that we know nothing of. */
export const platform: Platform = {
  name: "other",
  keepsText: false,
  takesText: false,
  checkUpgrade: refuse,
  upgrade: async () => refuse(),
};

function refuse(): never {
  throw new StreamError("misconfigured", 'WebSockets need the "upgradeWebSocket" option of fstream() on this runtime.');
}
