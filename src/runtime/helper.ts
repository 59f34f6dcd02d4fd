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
    async upgrade(c, handler, { headers = {} }) {
      const response = (await upgradeWebSocket(c, socketEvents(handler))) as Response;
      addHeaders(response, headers);
      return response;
    },
  };
}

/** Adds headers where the helper's runtime allows it: those of Deno's response are immutable. */
function addHeaders(response: Response, headers: Readonly<Record<string, string>>): void {
  try {
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
