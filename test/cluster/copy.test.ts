/** `httpfstream copy` from a folder into a cluster, and back. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { jetstreamStore } from "../../src/stores/jetstream/mod.ts";
import { type Command, start } from "../cli/commands.ts";
import { stored } from "../contract/store/driver.ts";
import { request } from "../fixture/http.ts";
import { newPrefix, storeOptions } from "../fixture/jetstream.ts";
import { NatsCluster, serverForTests } from "../fixture/nats.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const nats = serverForTests();

describe("copy file: nats:", { skip: "missing" in nats && nats.missing, timeout: 240_000 }, () => {
  let cluster: NatsCluster;
  let folder: string;
  before(async () => {
    folder = await temporaryFolder("copy-cluster");
    if ("path" in nats) cluster = await NatsCluster.start(nats.path, { count: 3 });
  });
  after(async () => {
    await cluster?.stop();
    await removeFolder(folder);
  });

  function copy(prefix: string, ...args: string[]): Promise<Command> {
    const room = ["--store-max-bytes", String(512 * 1024 * 1024)];
    const options = ["--store-prefix", prefix, ...room, "--replicas", "3", "--store-monitor", cluster.monitors.join()];
    return start("node", ["copy", ...args, ...options]);
  }

  async function copied(prefix: string, ...args: string[]): Promise<string> {
    const program = await copy(prefix, ...args);
    const { code } = await program.end();
    assert.equal(code, 0, program.output);
    return String(program.stderr.bytes());
  }

  it("keeps bytes, types, closes, producers and lifetimes in both directions", async () => {
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    const server = await startStandalone("node", { root: from });
    const headers = { "Content-Type": "application/json", "Stream-TTL": "3600" };
    await request(server.url, { method: "PUT", target: "/events/json", headers, body: '[{"a":1}]' });
    const producer = { "Producer-Id": "one", "Producer-Epoch": "3", "Producer-Seq": "0", "Stream-Closed": "true" };
    const closing = { "Content-Type": "application/json", ...producer };
    const sent = { method: "POST", target: "/events/json", headers: closing, body: '{"b":2}' };
    assert.ok((await request(server.url, sent)).status < 300);
    await server.stop();
    const large = randomBytes(5 * 1024 * 1024 + 3);
    await mkdir(join(from, "deep", "er"), { recursive: true });
    await writeFile(join(from, "deep", "er", "large.bin"), large);
    await writeFile(join(from, "umlaut ä.txt"), "grüße");

    const prefix = newPrefix();
    const servers = cluster.servers.join().replaceAll(",nats://", ",");
    assert.match(await copied(prefix, `file:${from}`, servers), /^3 copied \(5\.0 MiB\), 0 already there$/m);
    assert.match(await copied(prefix, `file:${from}`, servers), /^0 copied \(0 B\), 3 already there$/m);
    const store = jetstreamStore(storeOptions(cluster, { prefix, shards: 8, leaseMs: 10_000 }));
    const json = await store.stat("events/json");
    assert.deepEqual(
      [json?.type, json?.stream?.ttlSeconds, json?.stream?.closed?.by?.id, json?.stream?.producers["one"]?.epoch],
      ["application/json", 3600, "one", 3],
    );
    await store.close?.();

    assert.match(await copied(prefix, servers, `file:${to}`), /^3 copied \(5\.0 MiB\), 0 already there$/m);
    assert.match(await copied(prefix, "--check", `file:${from}`, servers), /^3 the same$/m);
    const back = await readFile(join(to, "deep", "er", "large.bin"));
    const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
    assert.equal(digest(back), digest(large));
    assert.equal(await readFile(join(to, "umlaut ä.txt"), "utf8"), "grüße");
    const other = await startStandalone("node", { root: to });
    // The producer's last append is recognized.
    const repeated = await request(other.url, sent);
    assert.ok(repeated.status < 300, `${repeated.status} ${repeated.text}`);
    assert.deepEqual(await readFile(join(to, "events/json")), await readFile(join(from, "events/json")));
    await other.stop();
  });

  it("continues after it was killed, and after a NATS server has died", async () => {
    const from = join(folder, "many");
    await mkdir(from);
    const contents = new Map(Array.from({ length: 60 }, (_, at) => [`${at}.bin`, randomBytes(200_000 + at)] as const));
    for (const [name, bytes] of contents) await writeFile(join(from, name), bytes);
    const prefix = newPrefix();
    const servers = cluster.servers.join();
    const first = await copy(prefix, "-v", `file:${from}`, servers);
    await first.printed(/^copied: /m);
    await first.stop("SIGKILL");
    const second = await copy(prefix, "-v", `file:${from}`, servers);
    await second.printed(/^(copied|already there): /m);
    const [, , victim] = cluster.nodes;
    await victim?.kill();
    const { code } = await second.end();
    victim?.start();
    await cluster.healthy();
    assert.ok(code === 0 || code === 1, second.output);
    await copied(prefix, `file:${from}`, servers);
    const store = jetstreamStore(storeOptions(cluster, { prefix, shards: 8, leaseMs: 10_000 }));
    for (const [name, bytes] of contents) {
      assert.ok((await stored(store, name)).equals(bytes), name);
    }
    await store.close?.();
  });
});
