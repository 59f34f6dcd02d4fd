/**
 * A platform that upgrades with whatever WebSocket helper of Hono's an app brings along.
 * @module
 */
import type { UpgradeWebSocket } from "hono/ws";
import type { Platform } from "../server/platform/platform.ts";
import { socketEvents } from "./shared/socket-events.ts";

/** The given platform, upgrading with the given helper, which also chooses the subprotocol. */
export function withHelper(platform: Platform, upgradeWebSocket: UpgradeWebSocket<WebSocket>): Platform {
  // Its sockets are no standard WebSockets; our own way with them works with Hono's `websocket`, too.
  if (platform.name === "bun") return platform;
  const { checkUpgrade: _, ...rest } = platform;
  return {
    ...rest,
    // What helpers hand over as text has gone through a string.
    keepsText: false,
    takesText: false,
    upgrade: (c, handler) => upgradeWebSocket(c, socketEvents(handler)) as Promise<Response>,
  };
}
