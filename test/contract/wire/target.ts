/**
 * What the wire suite is run against.
 * @module
 */

/**
 * Ways in which a runtime's own server may differ from the standalone one, because the runtime leaves no choice:
 *
 * - `raw text frames`: text frames can only carry UTF-8. Others are refused, never altered or dropped silently.
 * - `text appends`: an appender's text frames are all refused, as the runtime may drop bytes of them silently.
 * - `early frames`: a frame that comes in the same packet as the upgrade request may get the request refused.
 * - `dot segments`: the runtime resolves `.` and `..` in the request target before the app sees it.
 * - `unmasked frames`: the runtime takes frames that are not masked.
 * - `close codes`: the runtime does not say why it ends a connection that broke the rules of WebSockets.
 * - `content length`: the runtime sends streamed bodies chunked, whatever length the app gives.
 * - `upgrade offers`: the runtime refuses a request with a body that offers an upgrade.
 * - `early end`: the runtime throws away what came of a body when its connection ends right behind its head.
 * - `gathered messages`: the runtime gathers a message, up to 64 MiB, before the app can refuse it.
 * - `late head`: the runtime sends a response's headers with the first bytes of its body.
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
  | "late head";

/** A server, known by its URL alone. */
export interface Target {
  /** For the test report. */
  readonly name: string;
  /** Where the streams are: `http://127.0.0.1:8080` or `http://127.0.0.1:8080/streams`. */
  readonly url: string;
  /** Which differences this server has, each with its reason. */
  readonly differs?: Partial<Record<Difference, string>>;
}
