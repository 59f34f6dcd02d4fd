/**
 * The server that the wire suite runs against.
 * @module
 */

/**
 * Ways in which a runtime's own server may differ from the standalone one because of limitations of the runtime:
 *
 * - `raw text frames`: text frames can only carry UTF-8. Others are refused, never silently altered or dropped.
 * - `text appends`: all text frames of an appender are refused, as the runtime may silently drop bytes of them.
 * - `early frames`: the upgrade request may be refused if a frame arrives in the same packet.
 * - `dot segments`: the runtime resolves `.` and `..` in the request target before the app sees it.
 * - `unmasked frames`: the runtime accepts frames that are not masked.
 * - `close codes`: the runtime does not report why it ends a connection that violates the WebSocket protocol.
 * - `content length`: the runtime sends streamed bodies chunked, even if the app gives their length.
 * - `upgrade offers`: the runtime refuses a request with a body that offers an upgrade.
 * - `early end`: the runtime discards the received part of a body if the connection ends right after the head.
 * - `gathered messages`: the runtime buffers a message, up to 64 MiB, before the app can refuse it.
 * - `upgrade headers`: the runtime decides alone about the headers of a granted upgrade.
 * - `late head`: the runtime sends a response's headers with the first bytes of its body.
 * - `folders elsewhere`: several servers, each of which knows only by its own appends whether a folder is live.
 */
export type Difference =
  | "raw text frames"
  | "text appends"
  | "early frames"
  | "dot segments"
  | "unmasked frames"
  | "close codes"
  | "content length"
  | "upgrade offers"
  | "early end"
  | "gathered messages"
  | "upgrade headers"
  | "late head"
  | "folders elsewhere";

/** A server under test. */
export interface Target {
  /** The name in the test report. */
  readonly name: string;
  /** The URL of the streams, such as `http://127.0.0.1:8080` or `http://127.0.0.1:8080/streams`. */
  readonly url: string;
  /** The differences of this server, each with its reason. Default: none. */
  readonly differs?: Partial<Record<Difference, string>>;
}
