/** Lists of a NATS stream to which others append meanwhile. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { eachEntry } from "../../src/stores/jetstream/listing/rows.ts";
import type { Opened } from "../../src/stores/jetstream/opened.ts";
import { confirmedTail } from "../../src/stores/jetstream/watch/confirmed-tail.ts";
import { closeNode, newPrefix, openNode } from "../fixture/jetstream.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";

const server = serverForTests();
const skip = "missing" in server && server.missing;

let cluster: NatsCluster | undefined;
let node: Opened | undefined;

before(async () => {
  if (!("path" in server)) return;
  cluster = await NatsCluster.start(server.path);
  node = await openNode(cluster, newPrefix());
});
after(async () => {
  if (node) await closeNode(node);
  await cluster?.stop();
});

it("have the paths to which others append while they are made, and their last records", { skip }, async () => {
  assert.ok(node);
  const { core, claims } = node;
  const handle = await claims.claim("busy.txt", {});
  await handle.append(Buffer.from("one "));
  const original = core.calls.consumer.bind(core.calls);
  core.calls.consumer = async (...given) => {
    await handle.append(Buffer.from("more "));
    return await original(...given);
  };
  const names: string[] = [];
  await eachEntry(core, "", (name) => names.push(name));
  assert.ok(names.includes("busy.txt"), names.join());
  const place = core.layout.placeOf("busy.txt");
  core.tails.of = async () => ({ stored: undefined, point: { ...(await last()).point }, last: 1 });
  const last = (): ReturnType<typeof core.tails.of> => Object.getPrototypeOf(core.tails).of.call(core.tails, place);
  await assert.rejects(confirmedTail(core, place), /does not answer/, "an old end is not taken for the last one");
});
