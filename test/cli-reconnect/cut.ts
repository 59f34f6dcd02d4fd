/**
 * An interruption that lasts until the test ends it.
 * @module
 */
import type { ShiftyProxy } from "../client-reconnect/proxy.ts";

/**
 * The next WebSocket is cut after so many bytes, and no other gets through until {@link heal}. Plain requests do.
 *
 * @example
 * ```ts
 * cutOnce(rig.proxy, 3_000_000);
 * await appender.printed(/Trying again/);
 * heal(rig.proxy);
 * ```
 */
export function cutOnce(proxy: ShiftyProxy, bytes: number): void {
  let sockets = 0;
  proxy.allowance = () => bytes;
  proxy.treat = (head) => (/^Upgrade:/im.test(head) && sockets++ > 0 ? "hang up" : head);
}

/** Everything gets through again. */
export function heal(proxy: ShiftyProxy): void {
  proxy.allowance = () => Number.POSITIVE_INFINITY;
  proxy.spent = (cut) => cut();
  proxy.treat = (head) => head;
}
