/** Appends, watches and reads while NATS servers die: nothing that was acknowledged is lost, doubled or overlaid. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import type { AppendHandle, Store } from "../../src/store/mod.ts";
import { Layout } from "../../src/stores/jetstream/layout/layout.ts";
import { jetstreamStore } from "../../src/stores/jetstream/mod.ts";
import { stored } from "../contract/store/driver.ts";
import { administered, newPrefix, storeOptions } from "../fixture/jetstream.ts";
import { NatsCluster, type NatsNode, serverForTests } from "../fixture/nats.ts";
import { until, within } from "../fixture/until.ts";

const server = serverForTests();

describe("three NATS servers, of which some die", { skip: "missing" in server && server.missing }, () => {
  let cluster: NatsCluster;
  let prefix: string;
  let stores: Store[] = [];

  before(async () => {
    if ("path" in server) cluster = await NatsCluster.start(server.path, { count: 3 });
    prefix = newPrefix();
    const options = storeOptions(cluster, { prefix, leaseMs: 10_000 });
    stores = [jetstreamStore(options), jetstreamStore(options)];
    await Promise.all(stores.map((store) => store.open?.()));
  });
  after(async () => {
    await Promise.all(stores.map((store) => store.close?.()));
    await cluster?.stop();
  });

  /** The server that leads the stream of a path. */
  async function leaderOf(path: string): Promise<NatsNode> {
    const { stream } = new Layout(prefix, 2).placeOf(path);
    const name = await administered(cluster, async (connection) => {
      const manager = await jetstreamManager(connection);
      return await until("a leader", async () => (await manager.streams.info(stream)).cluster?.leader);
    });
    const node = cluster.nodes.find((each) => each.name === name);
    assert.ok(node, `the leader ${name}`);
    return node;
  }

  /** Appends numbered lines until it is told to stop; returns how many were acknowledged. */
  function appending(handle: AppendHandle): { stop: () => Promise<number>; count: () => number } {
    let isOver = false;
    let count = 0;
    const run = async (): Promise<number> => {
      while (!isOver) {
        await handle.append(Buffer.from(`line ${count}\n`));
        count++;
      }
      return count;
    };
    const running = run();
    const stop = async () => {
      isOver = true;
      return await running;
    };
    return { stop, count: () => count };
  }

  /** Collects what a watch of a path says, until its end. Bytes that did not come along are read. */
  async function watchedBy(
    store: Store,
    path: string,
  ): Promise<{ readonly collected: Promise<{ bytes: Buffer; ended: unknown }> }> {
    const news = await store.watch?.(path, new AbortController().signal);
    assert.ok(news);
    const collect = async () => {
      const parts: Buffer[] = [];
      let size = 0;
      let ended: unknown;
      for await (const growth of news) {
        const bytes = growth.bytes ?? (await stored(store, path)).subarray(size, growth.size);
        assert.equal(bytes.length, growth.size - size, "the updates follow one another");
        parts.push(Buffer.from(bytes));
        size = growth.size;
        ended = growth.ended ?? ended;
      }
      return { bytes: Buffer.concat(parts), ended };
    };
    return { collected: collect() };
  }

  const linesTo = (count: number): string => Array.from({ length: count }, (_, at) => `line ${at}\n`).join("");

  /** Appends through a fault; checks what is stored, and what a watch has seen. */
  async function through(path: string, fault: () => Promise<void>): Promise<void> {
    const [writer, reader] = stores;
    assert.ok(writer && reader);
    const handle = await writer.claim(path);
    const { collected } = await watchedBy(reader, path);
    const { stop, count } = appending(handle);
    await until("some lines", () => count() > 20);
    await fault();
    const before = count();
    await until("more lines", () => count() > before + 20, 60_000);
    const total = await stop();
    await handle.release("complete");
    // A server that has just woken up may answer for a while with what it had before.
    await until("all lines to be shown", async () => String(await stored(reader, path)) === linesTo(total), 60_000);
    const { bytes, ended } = await within(collected, "the end of the watch", 60_000);
    assert.equal(String(bytes), linesTo(total));
    assert.equal(ended, "complete");
  }

  it("an append goes on after its leader was killed", async () => {
    await through("killed.txt", async () => {
      const leader = await leaderOf("killed.txt");
      await leader.kill();
      leader.start();
    });
    await cluster.healthy();
  });

  it("an append goes on after its leader stood still, and nothing changes when it wakes up", async () => {
    await through("stopped.txt", async () => {
      const leader = await leaderOf("stopped.txt");
      leader.signal("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      leader.signal("SIGCONT");
    });
    await cluster.healthy();
  });

  it("an append goes on after all servers were killed and started again", async () => {
    await through("all.txt", async () => {
      await Promise.all(cluster.nodes.map((node) => node.kill()));
      for (const node of cluster.nodes) node.start();
    });
    await cluster.healthy();
  });

  it("an append fails with unavailable while a majority is gone, and the next claim finds what was stored", async () => {
    const options = storeOptions(cluster, { prefix, leaseMs: 10_000, giveUpMs: 3_000 });
    const store = jetstreamStore(options);
    stores.push(store);
    const handle = await store.claim("majority.txt");
    await handle.append(Buffer.from("one "));
    const [first, second] = cluster.nodes;
    await Promise.all([first?.kill(), second?.kill()]);
    await assert.rejects(handle.append(Buffer.from("two ")), { code: "unavailable" });
    assert.equal(handle.revoked.aborted, true);
    assert.equal(handle.offset, 4);
    assert.notEqual(await until("the store to notice", () => store.health?.()), undefined);
    first?.start();
    second?.start();
    await cluster.healthy();
    await handle.release();
    const next = await until("the next claim", () => store.claim("majority.txt").catch(() => undefined), 60_000);
    const text = String(await stored(store, "majority.txt"));
    assert.ok(["one ", "one two "].includes(text), text);
    assert.equal(next.offset, text.length);
    await next.release("complete");
  });
});
