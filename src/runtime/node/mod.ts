/**
 * The node stack: `@hono/node-server`, `@hono/node-ws` and `ws`. It runs on Node, and unchanged on Deno and Bun through
 * their compatibility with Node. The standalone server uses it on all three, because only `ws` keeps every byte of a
 * text frame.
 * @module
 */
import { EventEmitter } from "node:events";
import { createNodeWebSocket } from "@hono/node-ws";
import { type Context, Hono } from "hono";
import { defineWebSocketHelper, type UpgradeWebSocket } from "hono/ws";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { MessageLimits } from "../../server/platform/message-limits.ts";
import type { Platform, SocketHandler } from "../../server/platform/platform.ts";
import { abortsNow } from "../shared/body-end.ts";
import { gatherChunks } from "./chunks.ts";
import { cutResponse, dropResponse } from "./cut.ts";
import { cutStream, dropStream, type Http2Env, isHttp2, whenOvertaken } from "./http2.ts";
import { incomingBody } from "./incoming-body.ts";
import { ANSWERED } from "./linger.ts";
import { isDetached, turnOf } from "./pipeline.ts";
import { isUnreadable } from "./refuse/parse-errors.ts";
import type { NodeEnv } from "./serve.ts";
import { whenUpgraded } from "./upgrade.ts";
import { attachWs } from "./ws-port.ts";

export type { SocketLimits } from "./accept/peer-sockets.ts";
export type { OnRefused, RefusedRequest, ServerRefusal } from "./refuse/server-refusal.ts";
export { type RunningServer, type ServeOptions, serve } from "./serve.ts";
export { type FetchApp, injectWebSocket, type UpgradeServer } from "./upgrade.ts";

/**
 * Bytes by which a message may exceed its limit and still be received. If `ws` itself refuses it, it gives no reason.
 */
const SLACK_BYTES = 64 * 1024;

// One helper for all apps: it accepts any socket that is emitted on its server.
const nodeWs = createNodeWebSocket({ app: new Hono() });

/**
 * Hono's WebSocket helper for other routes of the same app.
 *
 * @example
 * ```ts
 * app.get("/echo", upgradeWebSocket(() => ({ onMessage: (event, ws) => ws.send(event.data) })));
 * ```
 */
export const upgradeWebSocket: UpgradeWebSocket<WebSocket> = defineWebSocketHelper(async (c, events, options) => {
  const { incoming } = c.env as NodeEnv;
  if (!incoming || c.req.header("Upgrade")?.toLowerCase() !== "websocket") return;
  const response = await nodeWs.upgradeWebSocket(c, events, options);
  const emit = (ws: WebSocket): boolean => nodeWs.wss.emit("connection", ws, incoming);
  whenUpgraded(incoming, {
    open(ws) {
      // The helper attaches its listeners some microtasks later; data that arrives before must wait for them.
      ws.pause();
      setImmediate(() => ws.resume());
      emit(ws);
    },
    // The helper waits for this socket, so it gets one that is already closed.
    failed: () => void emit(closedSocket()),
  });
  return response;
});

/**
 * The platform for this runtime.
 *
 * @internal
 * @ignore
 */
export const platform: Platform = {
  name: "node",
  supportsRawText: true,
  acceptsText: true,
  readsBodies: true,
  checkUpgrade(c) {
    // `injectWebSocket` gives each upgrade a response of its own.
    if (isDetached((c.env as NodeEnv).outgoing)) return;
    throw new StreamError(
      "misconfigured",
      'WebSockets do not reach this app: the program that serves it must call injectWebSocket(server, app) of "httpfstream/node".',
    );
  },
  // Does not use the helper of node-ws: its pending promise would retain the whole request until a major GC.
  async upgrade(c: Context, handler: SocketHandler, { protocol, headers }): Promise<Response> {
    whenUpgraded((c.env as NodeEnv).incoming, {
      protocol,
      headers,
      maxPayload: gatheredBytes(handler.messageLimits),
      open: (ws, below) => attachWs(ws, below, handler),
      failed: () => handler.closed(),
    });
    // Without a body, `@hono/node-server` would build a whole Response just for its status.
    return new Response("");
  },
  target: (c) => (c.env as NodeEnv).incoming.url,
  authority: (c) => (isHttp2(c) ? (c.env as Http2Env).incoming.headers[":authority"] : undefined),
  neverUpgrades: isHttp2,
  body: (c) => (isHttp2(c) ? undefined : incomingBody(c.req.raw, (c.env as NodeEnv).incoming)),
  bodyWatch(c) {
    // The protocol itself checks a length.
    if (!isHttp2(c) || c.req.header("Content-Length") !== undefined) return undefined;
    const { signal } = c.req.raw;
    return () => abortsNow(signal, whenOvertaken((c.env as Http2Env).incoming));
  },
  // A server that listens on all interfaces sees IPv4 addresses as IPv4-mapped IPv6 addresses.
  peer: (c) => (c.env as NodeEnv).incoming.socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, ""),
  turn(c) {
    const { incoming, outgoing } = c.env as NodeEnv;
    return isHttp2(c) ? undefined : turnOf(incoming, outgoing);
  },
  isUnreadable: (c) => isUnreadable((c.env as NodeEnv).incoming),
  disableRequestTimeout: (c) => gatherChunks((c.env as NodeEnv).incoming),
  onGone(c, gone) {
    const { incoming, outgoing } = c.env as NodeEnv;
    if (incoming.socket.destroyed || isGone(c)) gone();
    else outgoing.once("close", gone);
  },
  cut: (c) => (isHttp2(c) ? cutStream((c.env as Http2Env).outgoing) : cutResponse((c.env as NodeEnv).outgoing)),
  drop: (c) => (isHttp2(c) ? dropStream((c.env as Http2Env).outgoing) : dropResponse((c.env as NodeEnv).outgoing)),
  responseSent(c) {
    const { outgoing } = c.env as NodeEnv;
    return new Promise<void>((resolve) => {
      if (isGone(c) || outgoing.writableFinished) resolve();
      else for (const event of [ANSWERED, "finish", "close"]) outgoing.once(event, resolve);
    });
  },
};

function isGone(c: Context): boolean {
  const { outgoing } = c.env as NodeEnv | Http2Env;
  return "stream" in outgoing ? outgoing.stream.destroyed : outgoing.destroyed;
}

function gatheredBytes({ text, binary }: MessageLimits): number {
  return Math.min(DEFAULT_LIMITS.messageBytes, Math.max(text.bytes, binary.bytes) + SLACK_BYTES);
}

function closedSocket(): WebSocket {
  const nothing = (): void => {};
  return Object.assign(new EventEmitter(), {
    OPEN: 1,
    readyState: 3,
    protocol: "",
    close: nothing,
    terminate: nothing,
    send: nothing,
  }) as unknown as WebSocket;
}
