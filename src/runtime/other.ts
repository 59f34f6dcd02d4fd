/**
 * Any other runtime: plain HTTP works; WebSockets work with the helper that the app passes as `upgradeWebSocket`.
 * @module
 */
import { StreamError } from "../protocol/errors.ts";
import type { Platform } from "../server/platform/platform.ts";

/** The platform for an unknown runtime. */
export const platform: Platform = {
  name: "other",
  supportsRawText: false,
  acceptsText: false,
  checkUpgrade: refuse,
  upgrade: async () => refuse(),
};

function refuse(): never {
  throw new StreamError("misconfigured", 'WebSockets need the "upgradeWebSocket" option of fstream() on this runtime.');
}
