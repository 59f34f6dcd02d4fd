/**
 * Notices that a request has been answered before its handler has: by a middleware's time-out, for instance. The handler goes
 * on, and no runtime tells it.
 * @module
 */
import type { Exchange } from "./service.ts";

/** Milliseconds between two looks. */
const LOOK_EVERY_MS = 250;

/** Those that are watched; and whether Hono had a response from the beginning, which then says nothing. */
const watched = new Map<Exchange, { tell(): void; wasFinalized: boolean }>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls back once when a response other than the handler's has been decided on; call the result when the handler is done. */
export function whenAnswered(exchange: Exchange, answered: () => void): () => void {
  const { c, platform } = exchange;
  const tell = (): void => {
    if (watched.has(exchange)) answered();
    forget(exchange);
  };
  watched.set(exchange, { tell, wasFinalized: c.finalized });
  // The runtime tells when a response has left, if at all; its body may go on for ever.
  void platform.responseSent?.(c)?.then(tell, tell);
  timer ??= setInterval(look, LOOK_EVERY_MS);
  return () => forget(exchange);
}

/** Looks at all of them: one timer for any number of open appends. */
function look(): void {
  for (const [{ c }, { tell, wasFinalized }] of watched) if (c.finalized && !wasFinalized) tell();
}

function forget(exchange: Exchange): void {
  watched.delete(exchange);
  if (watched.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
