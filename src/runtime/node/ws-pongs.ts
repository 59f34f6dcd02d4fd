/**
 * Answers pings on the node stack. The package `ws` ends a connection whose pings arrive faster than their pongs leave,
 * without a close frame. For a classic appender, that is the normal end, and what it sent after its pings would be
 * lost.
 * @module
 */
// @ts-types="@types/ws"
import type { WebSocket } from "ws";

/** Maximum number of pongs in flight. RFC 6455 section 5.5.3 allows answering only the latest of further pings. */
const MAX_PONGS = 32;

/**
 * Answers the pings of a socket that was created without `autoPong`, in memory that does not grow with their number.
 */
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
    if (underWay < MAX_PONGS) answer(data);
    // A copy, so that a few bytes do not retain everything that arrived with them.
    else latest = Buffer.from(data);
  });
}
