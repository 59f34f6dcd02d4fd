/** The connections of each peer: what one of them may need of the descriptors, and what of it the log is told. */
import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { DEFAULT_LIMITS } from "../../src/engine/limits.ts";
import { ConnectionLimit } from "../../src/runtime/node/accept/connection-limit.ts";
import { PeerSockets, type PeerTally } from "../../src/runtime/node/accept/peer-sockets.ts";
import { RefusalNotes } from "../../src/runtime/node/accept/refusal-notes.ts";
import { TrustedProxies } from "../../src/server/request/trusted-proxies.ts";

const UNLIMITED = { sockets: 0, peerSockets: 0, peerSocketsPerSecond: 0 };

/** Lets an address have as many connections as it may, up to `max`. Returns the reason for the first refusal. */
function fill(peers: PeerSockets, address: string, max: number): { count: number; why: string | undefined } {
  for (let count = 0; count < max; count++) {
    const tally = peers.of(address) as PeerTally;
    const why = peers.refusal(tally);
    if (why !== undefined) return { count, why };
    peers.enter(tally);
  }
  return { count: max, why: undefined };
}

describe("the connections of one peer", () => {
  it("need at most three quarters of the descriptors, each two of them", () => {
    const peers = new PeerSockets({ ...UNLIMITED, peerSockets: 1_000 }, undefined, 80);
    const { count, why } = fill(peers, "192.0.2.1", 100);
    assert.equal(count, 30);
    assert.match(why ?? "", /^192\.0\.2\.1 has 30 connections, and one address may not have more of the files/);
    assert.equal(fill(peers, "192.0.2.2", 30).count, 30);
  });

  it("count as the reason for scarce descriptors if they are most of all, unless they are not limited", () => {
    for (const [peerSockets, expected] of [
      [1_000, /^192\.0\.2\.1 has 6 connections, and one address may not have more of the files/],
      [0, undefined],
    ] as const) {
      const peers = new PeerSockets({ ...UNLIMITED, peerSockets }, undefined, 80);
      fill(peers, "192.0.2.1", 6);
      const tally = peers.of("192.0.2.1") as PeerTally;
      assert.equal(peers.crowding(tally, 12), undefined);
      if (expected) assert.match(peers.crowding(tally, 11) ?? "", expected);
      else assert.equal(peers.crowding(tally, 11), undefined);
    }
  });

  it("may be nearly twice as many if they are WebSockets", () => {
    const peers = new PeerSockets({ ...UNLIMITED, peerSockets: 1_000 }, undefined, 80);
    fill(peers, "192.0.2.1", 30);
    const tally = peers.of("192.0.2.1") as PeerTally;
    tally.upgraded = 24;
    assert.equal(fill(peers, "192.0.2.1", 100).count, 10);
  });

  it("are those of a network of IPv6, and of an IPv4 address however it is written", () => {
    const peers = new PeerSockets({ ...UNLIMITED, peerSockets: 2 }, undefined, 1_000);
    assert.equal(fill(peers, "2001:db8::1", 1).count, 1);
    assert.equal(fill(peers, "2001:db8::2", 9).count, 1);
    assert.equal(fill(peers, "192.0.2.1", 1).count, 1);
    assert.equal(fill(peers, "::ffff:192.0.2.1", 9).count, 1);
  });

  it("are not limited for a trusted proxy, for an unknown address, and with 0", () => {
    const peers = new PeerSockets({ ...UNLIMITED, peerSockets: 1 }, new TrustedProxies(["10.0.0.0/8"]), 10);
    assert.equal(peers.of("10.1.2.3"), undefined);
    assert.equal(peers.of("::ffff:10.1.2.3"), undefined);
    assert.equal(peers.of(undefined), undefined);
    assert.equal(fill(new PeerSockets(UNLIMITED, undefined, 10), "192.0.2.1", 1_000).count, 1_000);
  });

  it("have room again once some have left", () => {
    const peers = new PeerSockets({ ...UNLIMITED, peerSockets: 2 }, undefined, 1_000);
    fill(peers, "192.0.2.1", 2);
    peers.leave(peers.of("192.0.2.1") as PeerTally);
    assert.equal(fill(peers, "192.0.2.1", 9).count, 1);
  });
});

/** A connection from an address. */
class PeerSocket extends Duplex {
  readonly remoteAddress: string;
  written = "";

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  override _read(): void {}

  override _write(data: Buffer, _: BufferEncoding, done: () => void): void {
    this.written += data.toString();
    done();
  }
}

it("a peer keeps its places as WebSockets, and gets them back when these have closed", async () => {
  const refused: unknown[] = [];
  const limit = new ConnectionLimit({
    report: () => {},
    onRefused: (refusal) => refused.push(refusal),
    backlog: 511,
    limits: { ...DEFAULT_LIMITS, peerSockets: 1 },
    descriptors: Number.POSITIVE_INFINITY,
  });
  const add = (): PeerSocket => {
    const socket = new PeerSocket("192.0.2.1");
    limit.add(socket);
    return socket;
  };
  const first = add();
  limit.upgraded(first);
  const second = add();
  assert.match(second.written, /^HTTP\/1\.1 429 Too Many Requests\r\n.*Retry-After: 1\r\n/s);
  assert.deepEqual(refused, [
    {
      code: "too_many",
      status: 429,
      message: "192.0.2.1 has 1 connections, which is the limit for one address (peerSockets). Try again in a moment.",
      peer: "192.0.2.1",
    },
  ]);
  await new Promise((resolve) => first.destroy().once("close", resolve));
  assert.equal(add().written, "");
  assert.equal(limit.sockets.size, 1);
});

it("refusals are reported once per ten seconds, with the number of those between", () => {
  const messages: string[] = [];
  let nowMs = 0;
  const notes = new RefusalNotes(
    (message) => messages.push(message),
    () => nowMs,
  );
  for (const at of [0, 1, 9_999, 10_000, 20_000]) {
    nowMs = at;
    notes.note(`Refused at ${at}.`);
  }
  assert.deepEqual(messages, [
    "Connections are refused: Refused at 0.",
    "Connections are refused: Refused at 10000. Since the last such message, 2 more were refused.",
    "Connections are refused: Refused at 20000.",
  ]);
});
