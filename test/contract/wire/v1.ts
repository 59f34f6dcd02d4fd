/** Helpers for the cases about `httpfstream.v1`. */
import assert from "node:assert/strict";
import type { HttpResponse } from "../../fixture/http.ts";
import { until } from "../../fixture/until.ts";
import { OFFER, V1, V1Peer } from "../../fixture/v1.ts";
import type { Wire } from "./wire.ts";

/** An admitted appender, and what its `start` message says. */
export interface Appending {
  readonly peer: V1Peer;
  readonly offset: number;
  readonly session: string;
  readonly window: number;
}

/** Begins an append, or resumes one if `query` is `session=S`. */
export async function append(wire: Wire, path: string, query = ""): Promise<Appending> {
  const peer = await open(wire, path, `verb=APPEND${query && `&${query}`}`);
  const { offset, session, window } = await peer.control("start");
  assert.equal(typeof session, "string");
  assert.ok(Number.isSafeInteger(window) && (window ?? 0) > 0, `window ${window}`);
  return { peer, offset, session: session ?? "", window: window ?? 0 };
}

/** Follows a path that has an appender. */
export async function follow(wire: Wire, path: string, query = ""): Promise<V1Peer> {
  return await open(wire, path, `verb=FOLLOW${query && `&${query}`}`);
}

/** Requests an upgrade that must be refused, and returns the plain response. */
export async function refused(wire: Wire, path: string, query: string): Promise<HttpResponse> {
  const peer = await wire.upgrade({ target: wire.at(path, query), headers: OFFER });
  return await peer.response();
}

/** Resumes a session, whose older connection may still exist. */
export async function resume(wire: Wire, path: string, { session }: Appending): Promise<Appending> {
  return await append(wire, path, `session=${session}`);
}

/** Expects the follower's bytes, the end message with the reason and the final offset, and nothing after it. */
export async function expectEnd(peer: V1Peer, expected: Uint8Array | string, reason = "complete"): Promise<void> {
  const { code } = await peer.closed();
  const end = peer.controls.at(-1);
  assert.deepEqual([code, end?.type, end?.reason], [1000, "end", reason], JSON.stringify(peer.controls.slice(-3)));
  assert.equal(peer.at.at(-1), peer.length, "data came after the end");
  const start = peer.controls[0]?.offset ?? 0;
  assert.equal(end?.offset, start + peer.length, "the offset of the end");
  assert.ok(
    peer.data.equals(Buffer.from(expected)),
    `the follower got ${peer.length} bytes, and not the appended ones`,
  );
}

/** Waits until a path has no appender. */
export async function free(wire: Wire, path: string): Promise<void> {
  await until(`the path ${path} to be free`, async () => (await wire.idle(path)).status === 200, 80_000);
}

async function open(wire: Wire, path: string, query: string): Promise<V1Peer> {
  const peer = await (await wire.upgrade({ target: wire.at(path, query), headers: OFFER, kind: "binary" })).opened();
  assert.equal((await peer.head).headers.get("sec-websocket-protocol"), V1);
  return new V1Peer(peer);
}
