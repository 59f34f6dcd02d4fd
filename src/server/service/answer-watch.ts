/**
 * Detects that a request was answered before its handler returned, for instance by a timeout middleware. The handler
 * continues, and no runtime reports it.
 * @module
 */
import type { Exchange } from "./service.ts";

/** Milliseconds between two checks. */
const LOOK_EVERY_MS = 250;

/** The watched requests. `wasFinalized`: Hono had a response from the start, so that having one means nothing. */
const watched = new Map<Exchange, { tell(): void; wasFinalized: boolean }>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls back once if another response than the handler's is chosen. Call the result when the handler is done. */
export function whenAnswered(exchange: Exchange, answered: () => void): () => void {
  const { c, platform } = exchange;
  const tell = (): void => {
    if (watched.has(exchange)) answered();
    forget(exchange);
  };
  watched.set(exchange, { tell, wasFinalized: c.finalized });
  // A runtime reports a response when it has sent all of it. Its body may never end, so a timer checks as well.
  void platform.responseSent?.(c)?.then(tell, tell);
  timer ??= setInterval(look, LOOK_EVERY_MS);
  return () => forget(exchange);
}

/** Checks all open appends with one timer. */
function look(): void {
  for (const [{ c }, { tell, wasFinalized }] of watched) if (c.finalized && !wasFinalized) tell();
}

function forget(exchange: Exchange): void {
  watched.delete(exchange);
  if (watched.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
