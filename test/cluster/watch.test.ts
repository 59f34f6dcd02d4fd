/** A watch in front of a NATS server that has lost its majority: it answers, with what it had. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { AppendUpdate } from "../../src/store/mod.ts";
import type { Opened } from "../../src/stores/jetstream/opened.ts";
import { START } from "../../src/stores/jetstream/records/chain.ts";
import type { Tail, Tails } from "../../src/stores/jetstream/records/tails.ts";
import { Tap } from "../../src/stores/jetstream/watch/tap.ts";
import type { Taps } from "../../src/stores/jetstream/watch/taps.ts";
import { watchPath } from "../../src/stores/jetstream/watch/watch.ts";
import { closeNode, newPrefix, openNode } from "../fixture/jetstream.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";

const server = serverForTests();

/** How often the old state is shown after the append has ended. */
const STALE_LOOKS = 3;

/** The state before the first append. */
const NONE: Tail = { stored: undefined, point: START, last: 0 };

describe("a watch whose looks are answered with an old state", { skip: "missing" in server && server.missing }, () => {
  let cluster: NatsCluster;
  let prefix: string;
  const nodes: Opened[] = [];

  before(async () => {
    if ("path" in server) cluster = await NatsCluster.start(server.path);
    prefix = newPrefix();
    for (let count = 0; count < 2; count++) nodes.push(await openNode(cluster, prefix));
  });
  after(async () => {
    await Promise.all(nodes.map(closeNode));
    await cluster?.stop();
  });

  /** Watches a path through a tap to which nothing is republished, and looks that can be made to show an old state. */
  async function watched(path: string): Promise<{
    readonly next: () => Promise<AppendUpdate | undefined>;
    readonly showOnly: (tail: Tail) => void;
    readonly tail: () => Promise<Tail>;
  }> {
    const [, reader] = nodes;
    assert.ok(reader);
    const { core, looks } = reader;
    const place = core.layout.placeOf(path);
    let old: Tail | undefined;
    let left = STALE_LOOKS;
    const of = async (): Promise<Tail> => {
      const tail = await core.tails.of(place);
      return old && left-- > 0 ? old : tail;
    };
    const tap = new Tap();
    const taps = { open: async () => ({ tap, close: () => {} }) } as unknown as Taps;
    const parts = { core: { ...core, tails: { of } as unknown as Tails }, looks, taps, hasSession: async () => false };
    const updates = await watchPath(parts, path, new AbortController().signal);
    assert.ok(updates);
    const next = async (): Promise<AppendUpdate | undefined> => {
      const quiet = setInterval(() => tap.tick(0, 0), 10);
      try {
        const { value } = await updates.next();
        return value ?? undefined;
      } finally {
        clearInterval(quiet);
      }
    };
    return { next, showOnly: (tail) => (old = tail), tail: () => core.tails.of(place) };
  }

  it("ends as the append has ended", async () => {
    const [writer] = nodes;
    const handle = await writer?.claims.claim("complete.txt", {});
    await handle?.append(Buffer.from("one "));
    const { next, showOnly, tail } = await watched("complete.txt");
    assert.equal((await next())?.size, 4);
    showOnly(await tail());
    await handle?.append(Buffer.from("two "));
    await handle?.release("complete");
    assert.deepEqual(await next(), { size: 8, ended: "complete" });
  });

  it("goes on with the next append of a path that seems to be gone", async () => {
    const [writer] = nodes;
    const handle = await writer?.claims.claim("there.txt", {});
    await handle?.append(Buffer.from("one "));
    const { next, showOnly } = await watched("there.txt");
    assert.equal((await next())?.size, 4);
    showOnly(NONE);
    await handle?.append(Buffer.from("two "));
    assert.equal((await next())?.size, 8);
    await handle?.release("complete");
    assert.equal((await next())?.ended, "complete");
  });
});
