/**
 * A platform that upgrades with whatever WebSocket helper of Hono's an app brings along.
 * @module
 */
import type { UpgradeWebSocket } from "hono/ws";
import type { Platform } from "../faces/platform.ts";
import { WebSocketPort } from "./web-socket-port.ts";

/**
 * The given platform, upgrading with the given helper. The helper chooses the subprotocol, and text frames pass
 * through strings.
 */
export function withHelper(platform: Platform, upgradeWebSocket: UpgradeWebSocket): Platform {
  return {
    ...platform,
    takesText: false,
    async upgrade(c, handler): Promise<Response> {
      let port: WebSocketPort | undefined;
      const closed = (): void => {
        port?.gone();
        handler.closed();
      };
      return upgradeWebSocket(c, {
        onOpen(_event, socket) {
          port = new WebSocketPort(socket.raw as WebSocket);
          handler.opened(port);
        },
        async onMessage({ data }) {
          if (typeof data === "string") handler.message(new TextEncoder().encode(data), true);
          else handler.message(new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data), false);
        },
        onClose: closed,
        onError: closed,
      }) as Promise<Response>;
    },
  };
}
