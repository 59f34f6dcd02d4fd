/**
 * Hono's WebSocket events, passed on to a handler.
 * @module
 */
import type { WSEvents } from "hono/ws";
import type { SocketHandler } from "../../server/platform/platform.ts";
import { refusalOf } from "./refusals.ts";
import { WebSocketPort } from "./web-socket-port.ts";

const encoder = new TextEncoder();

/** Passes a data frame on as bytes, in whichever form the runtime hands it over. */
export function passOn(handler: SocketHandler, data: string | ArrayBufferLike | Uint8Array): void {
  if (typeof data !== "string") handler.message(data instanceof Uint8Array ? data : new Uint8Array(data), false);
  // A character has a byte at least: what is too large is not copied first.
  else if (data.length > handler.most.text.bytes) handler.refused(handler.most.text.refusal());
  else handler.message(encoder.encode(data), true);
}

/** What Deno says of frames that break the rules; the rest of its errors is about connections that have gone. */
const BROKEN_FRAMES =
  /^(Frame too large|Invalid (UTF-8|fragment|continuation|close|status|value)|Reserved bits|Control frame|Ping frame)/;

/** The events of a standard WebSocket with a handler at their end. */
export function socketEvents(handler: SocketHandler): WSEvents<WebSocket> {
  let port: WebSocketPort | undefined;
  // Some runtimes tell of an error and a close, or of a close twice; handlers take the first.
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
      if (BROKEN_FRAMES.test(message)) handler.refused(refusalOf(message, handler.most));
      closed();
    },
  };
}
