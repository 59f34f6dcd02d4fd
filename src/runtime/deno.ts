/**
 * Deno's own server, for which `Deno.serve(app.fetch)` is enough.
 * @module
 */
import type { Context } from "hono";
import { defineWebSocketHelper, WSContext, type WSEvents } from "hono/ws";
import type { Platform, SocketHandler } from "../server/platform/platform.ts";
import { explained } from "../support/printable.ts";
import { abortsNow } from "./shared/body-end.ts";
import { socketEvents } from "./shared/socket-events.ts";

/** Options of Deno's upgrade. */
interface UpgradeSettings {
  protocol?: string;
  /** In seconds; 0 for no watchdog. */
  idleTimeout: number;
}

/** The part of Deno that is used here. */
interface DenoUpgrade {
  upgradeWebSocket(request: Request, settings: UpgradeSettings): { socket: WebSocket; response: Response };
}

/** What Deno's server reports about a request if the app's `fetch` is its handler. */
interface DenoInfo {
  remoteAddr: { hostname?: string };
  /** Rejects if the client leaves before the response is complete. */
  completed: Promise<void>;
}

const { Deno } = globalThis as unknown as { Deno: DenoUpgrade };

/** Seconds after which Deno ends a WebSocket whose peer does not answer pings. Deno pings at half of that. */
const IDLE_TIMEOUT_S = 120;

/** Milliseconds within which a WebSocket opens once its response is complete. */
const OPENS_MS = 1_000;

/** Replaces Hono's helper for Deno, which accepts only the exact spelling `websocket`, and echoes any subprotocol. */
const upgradeWebSocket = defineWebSocketHelper<WebSocket, Partial<UpgradeSettings>>((c, events, options) => {
  const { socket, response } = Deno.upgradeWebSocket(c.req.raw, { idleTimeout: IDLE_TIMEOUT_S, ...options });
  socket.binaryType = "arraybuffer";
  const context = new WSContext<WebSocket>({
    raw: socket,
    send: (source) => socket.send(source),
    close: (code, reason) => socket.close(code, reason),
    get readyState() {
      return socket.readyState as 0 | 1 | 2 | 3;
    },
  });
  socket.onopen = (event) => events.onOpen?.(event, context);
  socket.onmessage = (event) => events.onMessage?.(event, context);
  socket.onclose = (event) => events.onClose?.(event, context);
  socket.onerror = (event) => events.onError?.(event, context);
  return response;
});

/**
 * The platform for this runtime.
 *
 * @internal
 * @ignore
 */
export const platform: Platform = {
  name: "deno",
  supportsRawText: false,
  // Deno silently drops the last bytes of a fragmented message that ends inside a character.
  acceptsText: false,
  fillsBuffers: true,
  async upgrade(c, handler, { protocol, mayBeSilent }): Promise<Response> {
    if (protocol !== undefined) offerOnly(c.req.raw, protocol);
    const response = await upgradeWebSocket(c, socketEventsOf(c, handler), {
      idleTimeout: mayBeSilent ? 0 : IDLE_TIMEOUT_S,
      ...(protocol === undefined ? {} : { protocol }),
    });
    pinResponse(c, response);
    return response;
  },
  // Deno puts the authority of HTTP/2 only into the URL; without an authority, it puts its own address there.
  authority: (c) => (c.req.header("Host") === undefined ? /^https?:\/\/([^/?#]*)/i.exec(c.req.url)?.[1] : undefined),
  bodyWatch(c) {
    const { "transfer-encoding": coding, "content-length": length } = c.req.header();
    if (coding !== undefined) return undefined;
    if (length !== undefined) return async (bytes) => bytes < Number(length);
    // Get the signal now: one that is requested later does not report a connection that is already gone.
    const { signal } = c.req.raw;
    return () => abortsNow(signal);
  },
  peer: (c) => infoOf(c).remoteAddr?.hostname,
  // Middleware may wrap a body and not pass on that its reader has left.
  onGone: (c, gone) => void infoOf(c).completed?.then(gone, gone),
  bodyError(error) {
    // Deno prints the error in any case; this makes it a single line like this package's own.
    const line = `httpfstream: ${explained(error)}`;
    return Object.assign(new Error(line), { [Symbol.for("Deno.customInspect")]: () => line });
  },
  responseSent: (c) => infoOf(c).completed?.catch(() => {}),
};

/** The events of a WebSocket. If its client leaves before it opens, the handler's `closed` is called. */
function socketEventsOf(c: Context, handler: SocketHandler): WSEvents<WebSocket> {
  const events = socketEvents(handler);
  let isOpen = false;
  const left = (): void => {
    if (!isOpen) handler.closed();
  };
  // Deno opens a socket as soon as its response is complete, and reports nothing for one that will never open.
  infoOf(c).completed?.then(() => setTimeout(left, OPENS_MS), left);
  return {
    ...events,
    onOpen(event, context) {
      isOpen = true;
      events.onOpen?.(event, context);
    },
  };
}

/** Deno finds a subprotocol among several only if a comma and exactly one space separate them. */
function offerOnly(request: Request, protocol: string): void {
  const headers = new Headers(request.headers);
  headers.set("Sec-WebSocket-Protocol", protocol);
  Object.defineProperty(request, "headers", { value: headers });
}

/** Empty if the app was called without it, as in `Deno.serve((request) => app.fetch(request))`. */
function infoOf(c: Context): Partial<DenoInfo> {
  return (c.env as DenoInfo | undefined) ?? {};
}

/**
 * Makes the response of an upgrade final. It can be neither changed nor copied, but Hono copies a response to add the
 * headers that middleware sets, before and after the route.
 */
function pinResponse(c: Context, response: Response): void {
  c.res = undefined;
  c.res = response;
  Object.defineProperty(response, "headers", { value: new Headers() });
  Object.defineProperty(c, "res", { get: () => response, set: () => {} });
}
