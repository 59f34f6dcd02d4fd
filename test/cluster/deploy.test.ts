/** The permissions of deploy/nats.conf: they are enough for a server, and nothing more is allowed. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Store } from "../../src/store/mod.ts";
import { jetstreamStore } from "../../src/stores/jetstream/mod.ts";
import { listed, put, stored } from "../contract/store/driver.ts";
import { freePort } from "../docs/free-port.ts";
import { serverForTests } from "../fixture/nats.ts";
import { PROJECT, Program, run } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const nats = serverForTests();
const ENV = { NATS_NAME: "n1", HTTPFSTREAM_NATS_PASSWORD: "s3cret", ADMIN_NATS_PASSWORD: "adm1n" };

describe("deploy/nats.conf", { skip: "missing" in nats && nats.missing, timeout: 120_000 }, () => {
  let folder: string;
  let program: Program;
  let server: string;
  let monitor: string;
  const stores: Store[] = [];

  before(async () => {
    if (!("path" in nats)) return;
    folder = await temporaryFolder("deploy");
    const [client, http] = [await freePort(), await freePort()];
    server = `127.0.0.1:${client}`;
    monitor = `http://127.0.0.1:${http}`;
    const whole = await readFile(join(PROJECT, "deploy", "nats.conf"), "utf8");
    // One server of its own: without its peers.
    const alone = whole
      .replace(/^cluster \{[^}]*\}$/m, "")
      .replace("0.0.0.0:4222", server)
      .replace("0.0.0.0:8222", `127.0.0.1:${http}`)
      .replace('"/data"', JSON.stringify(folder))
      .replace("100GB", "1GB");
    const file = join(folder, "nats.conf");
    await writeFile(file, alone);
    program = new Program(nats.path, ["-c", file], { env: ENV });
    await until("the server to be ready", async () => {
      assert.ok(!program.stderr.ended, program.output);
      return await fetch(`${monitor}/healthz`)
        .then(({ ok }) => ok)
        .catch(() => false);
    });
  });
  after(async () => {
    await Promise.all(stores.map((store) => store.close?.()));
    await program?.stop("SIGKILL");
    if (folder) await removeFolder(folder);
  });

  it("is valid as it is", async () => {
    assert.ok("path" in nats);
    const file = join(PROJECT, "deploy", "nats.conf");
    // `run` has no way to set variables.
    const line = Object.entries(ENV).map(([name, value]) => `${name}=${value}`);
    const { exit, output } = await run("env", [...line, nats.path, "-t", "-c", file]);
    assert.equal(exit.code, 0, output);
  });

  it("lets servers do all that a store does", async () => {
    const options = { servers: `nats://httpfstream:s3cret@${server}`, monitors: [monitor], shards: 2 };
    const [one, other] = [jetstreamStore(options), jetstreamStore(options)];
    stores.push(one, other);
    await Promise.all([one.open?.(), other.open?.()]);
    await put(one, "a/b.txt", "hello");
    assert.equal(String(await stored(other, "a/b.txt")), "hello");
    assert.equal((await listed(other, "a"))?.length, 1);
    const handle = await one.claim("live.log");
    const controller = new AbortController();
    const updates = await other.watch?.("live.log", controller.signal);
    assert.ok(updates);
    assert.deepEqual((await updates.next()).value, { size: 0 });
    await handle.append(Buffer.from("x".repeat(1_000_000)), { created: true, producers: {} });
    let size = 0;
    for await (const update of updates) {
      size = update.size;
      if (size === 1_000_000) break;
    }
    assert.equal(size, 1_000_000);
    await handle.release("complete");
    await one.sessions.save({ path: "a/b.txt", digest: "digest" });
    await one.sessions.remove("a/b.txt");
    assert.equal(await other.remove("a/b.txt"), true);
    assert.equal(await one.stat("a/b.txt"), undefined);
    assert.ok(((await one.usedBytes?.()) ?? 0) > 0);
    assert.equal(await one.health?.(), undefined);
  });

  it("forbids what could lose data, and everything to others", async () => {
    const connection = await connect({ servers: server, user: "httpfstream", pass: "s3cret" });
    const manager = await jetstreamManager(connection, { timeout: 1_000 });
    assert.ok((await manager.streams.names().next()).includes("HFS_META"));
    await assert.rejects(manager.streams.delete("HFS_META"));
    await assert.rejects(manager.streams.deleteMessage("HFS_META", 1));
    assert.ok((await manager.streams.names().next()).includes("HFS_META"));
    await connection.close();
    await assert.rejects(connect({ servers: server, reconnect: false }));
    const admin = await connect({ servers: server, user: "admin", pass: "adm1n" });
    assert.ok((await (await jetstreamManager(admin)).streams.names().next()).includes("HFS_META"));
    await admin.close();
  });
});
