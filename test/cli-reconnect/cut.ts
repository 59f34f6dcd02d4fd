/**
 * An interruption that lasts until the test ends it.
 * @module
 */
import type { ShiftyProxy } from "../client-reconnect/proxy.ts";

/**
 * Cuts the next WebSocket after this many bytes, and lets no other one through until {@link heal}. Plain requests get
 * through, up to the same number of bytes per connection.
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

/** Lets everything through again. */
export function heal(proxy: ShiftyProxy): void {
  proxy.allowance = () => Number.POSITIVE_INFINITY;
  proxy.spent = (cut) => cut();
  proxy.treat = (head) => head;
}
