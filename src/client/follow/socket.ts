/**
 * Follows over one WebSocket.
 * @module
 */

import { parseControl } from "../../protocol/control.ts";
import { StreamError } from "../../protocol/errors.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";
import { type Closing, closedEarly } from "../connection/failure.ts";
import type { ClientSocket } from "../connection/socket.ts";
import type { Inbox } from "./inbox.ts";
import { skipInSocket } from "./start.ts";
import type { FollowBytes, FollowTask } from "./task.ts";

/** Reads a WebSocket to its end, then closes it. */
export async function* followSocket(task: FollowTask, inbox: Inbox, socket: ClientSocket): FollowBytes {
  try {
    return yield* socket.protocol === PROTOCOL ? resumable(task, inbox) : classic(task, inbox, socket);
  } finally {
    inbox.leave(task.environment.clock);
  }
}

/** `httpfstream.v1`: the server sends its start position and how the append ended. */
async function* resumable(task: FollowTask, inbox: Inbox): FollowBytes {
  const { environment, position, reconnector, target, report } = task;
  inbox.guard(environment.clock);
  let started = false;
  let isIdle = false;
  let knowsStay = false;
  const open = (): void => {
    isIdle = false;
    report({ state: "open", transport: "websocket", live: true, offset: position.next });
  };
  for (let frame = await inbox.read(); frame; frame = await inbox.read()) {
    const control = frame.text ? parseControl(frame.bytes) : undefined;
    if (control?.type === "start") {
      // A standing follow gets a second start when a path begins that did not exist.
      position.begin(control.offset, control.generation);
      started = true;
      reconnector.opened();
      open();
    } else if (!started) {
      throw new StreamError("protocol", 'The server did not begin with "start".', { path: target.url.href });
    } else if (control?.type === "end") {
      position.expect(control.offset);
      // A server that knows standing follows ends them only when there can be no more.
      return { type: "ended", reason: control.reason ?? "unknown", isFinal: knowsStay || control.closed === true };
    } else if (control?.type === "idle") {
      position.expect(control.offset);
      isIdle = true;
      knowsStay = true;
      report({ state: "idle", offset: position.next, reason: control.reason });
    } else if (!frame.text) {
      if (isIdle) open();
      reconnector.progressed();
      yield position.take(frame.bytes);
    }
  }
  const error = closedEarly(inbox.closing ?? NO_CLOSING, target.url);
  return { type: inbox.overflowed ? "http" : "lost", error };
}

/** Classic protocol: only data and a close code. */
async function* classic(task: FollowTask, inbox: Inbox, socket: ClientSocket): FollowBytes {
  const { environment, position, reconnector, target, report } = task;
  const before = await skipInSocket(position.start, target, environment.fetch);
  if (before === undefined) {
    const message = "This server's classic WebSockets can't start at an arbitrary byte.";
    return { type: "http", error: new StreamError("protocol", message, { path: target.url.href }) };
  }
  let skip = before;
  position.begin(undefined, undefined);
  reconnector.opened();
  report({ state: "open", transport: "websocket", live: true, offset: position.next });
  for (let frame = await inbox.read(); frame; frame = await inbox.read()) {
    const bytes = frame.bytes.subarray(Math.min(skip, frame.bytes.length));
    skip -= frame.bytes.length - bytes.length;
    if (bytes.length === 0) continue;
    reconnector.progressed();
    yield position.take(bytes);
  }
  const closing = inbox.closing ?? NO_CLOSING;
  const { code, error } = closing;
  if (!inbox.overflowed && error === undefined && (code === 1000 || code === 1005)) {
    return { type: "ended", reason: "unknown" };
  }
  // Some platforms reject text frames that are not UTF-8, and browsers do not report that as the reason.
  const mustUseHttp = inbox.overflowed || code === 1007 || (code === 1006 && !socket.exactText);
  return { type: mustUseHttp ? "http" : "lost", error: closedEarly(closing, target.url) };
}

/** The close information of a connection that ended without any. */
const NO_CLOSING: Closing = { code: 1006, reason: "" };
