/** A path that one server removes while another one is about to append to it: the tombstone is all that is left. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { removePath } from "../../src/stores/jetstream/claims/remove.ts";
import type { Opened } from "../../src/stores/jetstream/opened.ts";
import type { Tails } from "../../src/stores/jetstream/records/tails.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { closeNode, newPrefix, openNode } from "../fixture/jetstream.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";

const server = serverForTests();

describe("a path in front of NATS that is removed meanwhile", { skip: "missing" in server && server.missing }, () => {
  let cluster: NatsCluster;
  let prefix: string;
  const nodes: Opened[] = [];

  before(async () => {
    if ("path" in server) cluster = await NatsCluster.start(server.path);
    prefix = newPrefix();
  });
  after(async () => {
    await Promise.all(nodes.map(closeNode));
    await cluster?.stop();
  });

  async function open(): Promise<Opened> {
    const node = await openNode(cluster, prefix);
    nodes.push(node);
    return node;
  }

  async function stored({ claims }: Opened, path: string): Promise<void> {
    const handle = await claims.claim(path, {});
    await handle.append(Buffer.from("old bytes"));
    await handle.release("complete");
  }

  /** Makes the next look at the end of a path show what is there now. */
  async function keepLook({ core }: Opened, path: string): Promise<void> {
    const { tails } = core;
    const old = await tails.of(core.layout.placeOf(path));
    Object.assign(tails, {
      of: async () => {
        Reflect.deleteProperty(tails, "of");
        return old;
      },
    } satisfies Partial<Tails>);
  }

  it("is created anew by a claim that has looked before", async () => {
    const [one, other] = [await open(), await open()];
    await stored(one, "anew.txt");
    await keepLook(one, "anew.txt");
    assert.equal(await removePath(other.core, other.claims, "anew.txt"), true);
    const handle = await one.claims.claim("anew.txt", {});
    assert.equal(handle.created, true);
    await handle.append(Buffer.from("new"));
    await handle.release("complete");
    assert.equal((await other.looks.stat("anew.txt"))?.size, 3);
  });

  it("belongs to the server that has created it again", async () => {
    const [one, other] = [await open(), await open()];
    await stored(one, "again.txt");
    await keepLook(one, "again.txt");
    await removePath(other.core, other.claims, "again.txt");
    const handle = await other.claims.claim("again.txt", {});
    await handle.append(Buffer.from("mine"));
    await rejectsWith(one.claims.claim("again.txt", {}), "conflict");
    assert.equal(await handle.append(Buffer.from(" still")), 10);
    await handle.release("complete");
    assert.equal((await one.looks.stat("again.txt"))?.size, 10);
  });

  it("is not brought back by an append that goes on after a silence", async () => {
    const [silent, other] = [await open(), await open()];
    const handle = await silent.claims.claim("silent.txt", {});
    await handle.append(Buffer.from("old bytes"));
    silent.questions.unsubscribe();
    await silent.lease.end();
    await removePath(other.core, other.claims, "silent.txt");
    await rejectsWith(handle.append(Buffer.from(" and more")), "fenced");
    assert.equal(await other.looks.stat("silent.txt"), undefined);
  });
});
