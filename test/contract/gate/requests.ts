/**
 * The rows of the table: every action over every transport, with what it answers to a client that may do it.
 * @module
 */
import type { Action } from "../../../src/server/gate/gate.ts";
import { OFFER } from "../../fixture/v1.ts";
import { upgradeHeaders } from "../../fixture/websocket.ts";

/** The state of the path that a request names. */
export const STATES = ["live", "ended", "none"] as const;

/** A path that has an appender, a path that has had one, and a path that was never written. */
export type State = (typeof STATES)[number];

/** A row of the table. */
export interface Row {
  readonly action: Action;
  readonly method?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The status by state if the client may. */
  readonly allowed: Readonly<Record<State, number>>;
  /** Whether the body stays open and may have no byte. Such a response has no head yet on some runtimes. */
  readonly mayBeEmpty?: State;
}

const CLASSIC = upgradeHeaders(Buffer.alloc(16, 5).toString("base64"));
const V1 = { ...CLASSIC, ...OFFER };

const read = (allowed: readonly [number, number, number], rest: Partial<Row> = {}): Row => row("read", allowed, rest);
const append = (allowed: readonly [number, number, number], rest: Partial<Row> = {}): Row =>
  row("append", allowed, rest);

function row(action: Action, [live, ended, none]: readonly [number, number, number], rest: Partial<Row>): Row {
  return { action, allowed: { live, ended, none }, ...rest };
}

/** All rows, by what they are. The states are those of a file; for a listing, those of a folder. */
export const ROWS: Readonly<Record<string, Row>> = {
  GET: read([200, 200, 404]),
  HEAD: read([200, 200, 404], { method: "HEAD" }),
  "a range": read([206, 206, 404], { headers: { Range: "bytes=0-1" } }),
  "a range of a HEAD": read([200, 200, 404], { method: "HEAD", headers: { Range: "bytes=0-1" } }),
  "an offset": read([200, 200, 404], { query: "offset=1" }),
  "an offset past the end": read([416, 416, 404], { query: "offset=99" }),
  "a tail": read([200, 200, 404], { query: "tail=1" }),
  "a condition": read([304, 304, 404], { headers: { "If-None-Match": "*" } }),
  "another generation": read([412, 412, 404], { query: "generation=x" }),
  "an HTTP follow": read([200, 200, 404], { query: "verb=FOLLOW" }),
  "an HTTP follow by header": read([200, 200, 404], { headers: { "X-Verb": "follow" } }),
  "a HEAD of a follow": read([200, 200, 404], { method: "HEAD", query: "verb=FOLLOW" }),
  "a standing HTTP follow": read([200, 200, 200], { query: "verb=FOLLOW&stay=1", mayBeEmpty: "none" }),
  "server-sent events": read([200, 200, 404], { query: "live=sse&offset=-1" }),
  "a long-poll": read([200, 200, 404], { query: "live=long-poll&offset=0" }),
  "line counts": read([200, 200, 404], { query: "lines" }),
  "line counts past the end": read([416, 416, 404], { query: "lines&from=9" }),
  "a HEAD of line counts": read([200, 200, 404], { method: "HEAD", query: "lines" }),
  "a search": read([200, 200, 404], { query: "search=e" }),
  "a HEAD of a search": read([200, 200, 404], { method: "HEAD", query: "search=e" }),
  "a classic follow": read([101, 200, 404], { query: "verb=FOLLOW", headers: CLASSIC }),
  "a WebSocket without a verb": read([101, 200, 404], { headers: CLASSIC }),
  "a v1 follow": read([101, 200, 404], { query: "verb=FOLLOW", headers: V1 }),
  "a v1 follow from an offset": read([101, 200, 404], { query: "verb=FOLLOW&offset=1", headers: V1 }),
  "a standing v1 follow": read([101, 101, 101], { query: "verb=FOLLOW&stay=1", headers: V1 }),

  "a POST append": append([403, 200, 200], { method: "POST", query: "verb=APPEND", body: "x" }),
  "a PUT append by header": append([403, 200, 200], { method: "PUT", headers: { "X-Verb": "APPEND" }, body: "x" }),
  "an empty append": append([403, 200, 200], { method: "PUT", query: "verb=APPEND", body: "" }),
  "an append that waits for 100": append([403, 200, 200], {
    method: "PUT",
    query: "verb=APPEND",
    headers: { Expect: "100-continue" },
    body: "x",
  }),
  "an append at an offset": append([403, 412, 412], { method: "POST", query: "verb=APPEND&offset=99", body: "x" }),
  "an append under a condition": append([403, 412, 412], {
    method: "POST",
    query: "verb=APPEND",
    headers: { "If-Match": '"other"' },
    body: "x",
  }),
  "an append without an upgrade": append([403, 426, 426], { query: "verb=APPEND" }),
  "a classic append": append([403, 101, 101], { query: "verb=APPEND", headers: CLASSIC }),
  "a v1 append": append([403, 101, 101], { query: "verb=APPEND", headers: V1 }),
  "a v1 append by header": append([403, 101, 101], { headers: { ...V1, "X-Verb": "APPEND" } }),
  "a resumed session": append([410, 410, 410], { query: "verb=APPEND&session=unknown", headers: V1 }),
  "an append of a producer": append([403, 200, 200], {
    method: "POST",
    query: "verb=APPEND",
    headers: { "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0" },
    body: "x",
  }),
  "a PUT without a verb": append([409, 409, 201], { method: "PUT", body: "x" }),
  "a PUT without a verb, of the type of the file": append([200, 200, 201], {
    method: "PUT",
    headers: { "Content-Type": "text/plain" },
    body: "x",
  }),
  "a POST without a verb and a type": append([400, 400, 404], { method: "POST", body: "x" }),
  "a POST of a producer, without a verb": append([400, 400, 404], {
    method: "POST",
    headers: { "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0" },
    body: "x",
  }),
  "a POST that follows": append([405, 405, 405], { method: "POST", query: "verb=FOLLOW", body: "x" }),
  "a DELETE that appends": append([405, 405, 405], { method: "DELETE", query: "verb=APPEND" }),

  DELETE: row("delete", [409, 204, 404], { method: "DELETE" }),
  "a DELETE under a condition": row("delete", [409, 412, 412], {
    method: "DELETE",
    headers: { "If-Match": '"other"' },
  }),

  "a listing": row("list", [200, 200, 404], {}),
  "a listing as JSON": row("list", [200, 200, 404], { headers: { Accept: "application/json" } }),
  "a page of a listing": row("list", [200, 200, 404], { query: "limit=1&after=a" }),
  "a HEAD of a listing": row("list", [200, 200, 404], { method: "HEAD" }),
  "a live listing": row("list", [200, 200, 404], { query: "live=sse" }),
  "a HEAD of a live listing": row("list", [200, 200, 404], { method: "HEAD", query: "live=sse" }),
};
