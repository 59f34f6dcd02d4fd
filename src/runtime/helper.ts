/**
 * A platform that upgrades with whatever WebSocket helper of Hono's an app brings along.
 * @module
 */
import type { UpgradeWebSocket } from "hono/ws";
import type { Platform } from "../faces/platform.ts";
import { socketEvents } from "./socket-events.ts";

/**
 * The given platform, upgrading with the given helper. The helper chooses the subprotocol, and text frames pass
 * through strings.
 */
export function withHelper(platform: Platform, upgradeWebSocket: UpgradeWebSocket): Platform {
  return {
    ...platform,
    takesText: false,
    upgrade: (c, handler) => upgradeWebSocket(c, socketEvents(handler)) as Promise<Response>,
  };
}
