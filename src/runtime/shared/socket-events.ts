/**
 * Connects Hono's WebSocket events to a handler.
 * @module
 */
import type { WSEvents } from "hono/ws";
import type { SocketHandler } from "../../server/platform/platform.ts";
import { refusalOf } from "./refusals.ts";
import { WebSocketPort } from "./web-socket-port.ts";

const encoder = new TextEncoder();

/** Passes a data frame on as bytes; runtimes deliver it in several forms. */
export function passOn(handler: SocketHandler, data: string | ArrayBufferLike | Uint8Array): void {
  if (typeof data !== "string") handler.message(data instanceof Uint8Array ? data : new Uint8Array(data), false);
  // A character takes at least one byte, so this refuses text that is too large without copying it.
  else if (data.length > handler.messageLimits.text.bytes) handler.refused(handler.messageLimits.text.refusal());
  else handler.message(encoder.encode(data), true);
}

/** What Deno reports for invalid frames; its other errors mean that the connection is gone. */
const BROKEN_FRAMES =
  /^(Frame too large|Invalid (UTF-8|fragment|continuation|close|status|value)|Reserved bits|Control frame|Ping frame)/;

/** The events of a standard WebSocket, connected to a handler. */
export function socketEvents(handler: SocketHandler): WSEvents<WebSocket> {
  let port: WebSocketPort | undefined;
  // Some runtimes report an error and a close, or a close twice; handlers act on the first.
  const closed = (): void => {
    port?.gone();
    handler.closed();
  };
  return {
    onOpen(_event, { raw }) {
      port = new WebSocketPort(raw as WebSocket);
      handler.opened(port);
    },
    onMessage({ data }) {
      if (data instanceof Blob)
        throw new TypeError('Data frames must come as ArrayBuffers: set binaryType "arraybuffer".');
      passOn(handler, data);
    },
    onClose: closed,
    onError(event) {
      const { message = "" } = event as Partial<ErrorEvent>;
      if (BROKEN_FRAMES.test(message)) handler.refused(refusalOf(message, handler.messageLimits));
      closed();
    },
  };
}
