/**
 * Answers to pings on the node stack. The package `ws` ends a connection whose pings come faster than their answers leave,
 * without a close frame; to a classic appender that is the normal end, and what it sent behind its pings would be lost.
 * @module
 */
// @ts-types="@types/ws"
import type { WebSocket } from "ws";

/** Answers under way at once. RFC 6455 section 5.5.3 lets us answer only the latest of more pings. */
const MOST_PONGS = 32;

/** Answers the pings of a socket that was made without `autoPong`, in memory that does not grow with their number. */
export function answerPings(ws: WebSocket): void {
  let underWay = 0;
  let latest: Buffer | undefined;
  const answer = (data: Buffer): void => {
    underWay++;
    ws.pong(data, false, (error?: Error | null) => {
      underWay--;
      const next = latest;
      latest = undefined;
      if (next && !error) answer(next);
    });
  };
  ws.on("ping", (data: Buffer) => {
    if (ws.readyState !== ws.OPEN) return;
    if (underWay < MOST_PONGS) answer(data);
    // A copy: a few bytes must not keep all that came with them.
    else latest = Buffer.from(data);
  });
}
