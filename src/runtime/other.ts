/**
 * Anywhere else: plain HTTP works, and WebSockets do with the helper that the app passes as `upgradeWebSocket`.
 * @module
 */
import { StreamError } from "../core/errors.ts";
import type { Platform } from "../faces/platform.ts";

/** A runtime that we know nothing of. */
export const platform: Platform = {
  name: "other",
  keepsText: false,
  takesText: false,
  upgrade() {
    throw new StreamError("method_not_allowed", 'WebSockets need the "upgradeWebSocket" option on this runtime.');
  },
};
