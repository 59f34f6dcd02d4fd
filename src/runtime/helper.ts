/**
 * A platform that upgrades with a WebSocket helper of Hono that the app provides.
 * @module
 */
import type { UpgradeWebSocket } from "hono/ws";
import type { Platform } from "../server/platform/platform.ts";
import { socketEvents } from "./shared/socket-events.ts";

/** Returns the platform with its upgrade replaced by a helper, which also chooses the subprotocol. */
export function withHelper(platform: Platform, upgradeWebSocket: UpgradeWebSocket<WebSocket>): Platform {
  // Bun's sockets are not standard WebSockets, and its platform works with Hono's `websocket` as well.
  if (platform.name === "bun") return platform;
  const { checkUpgrade: _, ...rest } = platform;
  return {
    ...rest,
    // Helpers pass text as strings.
    supportsRawText: false,
    acceptsText: false,
    upgrade: (c, handler) => upgradeWebSocket(c, socketEvents(handler)) as Promise<Response>,
  };
}
