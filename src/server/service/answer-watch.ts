/**
 * Detects that a request was answered before its handler returned, for instance by a timeout middleware. The handler
 * continues, and no runtime reports it.
 * @module
 */
import type { Exchange } from "./service.ts";

/** Milliseconds between two checks. */
const LOOK_EVERY_MS = 250;

/** A watched request. */
interface Watched {
  tell(): void;
  /** Whether Hono had a response from the start, so that having one means nothing. */
  readonly wasFinalized: boolean;
  /** Whether the runtime was asked to report the response. */
  isAsked: boolean;
}

const watched = new Map<Exchange, Watched>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls back once if another response than the handler's is chosen. Call the result when the handler is done. */
export function whenAnswered(exchange: Exchange, answered: () => void): () => void {
  const tell = (): void => {
    if (watched.has(exchange)) answered();
    forget(exchange);
  };
  watched.set(exchange, { tell, wasFinalized: exchange.c.finalized, isAsked: false });
  timer ??= setInterval(look, LOOK_EVERY_MS);
  return () => forget(exchange);
}

/** Checks all open appends with one timer. */
function look(): void {
  for (const [{ c, platform }, request] of watched) {
    if (c.finalized && !request.wasFinalized) request.tell();
    else if (!request.isAsked) {
      request.isAsked = true;
      // Also of a response that it has sent already. Most appends have ended before it would be worth asking.
      void platform.responseSent?.(c)?.then(request.tell, request.tell);
    }
  }
}

function forget(exchange: Exchange): void {
  watched.delete(exchange);
  if (watched.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
