/** Servers that see one folder at different paths, as containers do, share its paths like any others. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** Runs a process with mounts of its own. */
const NAMESPACE = ["unshare", "--mount", "--map-root-user"];

const noNamespace =
  spawnSync(NAMESPACE[0] as string, [...NAMESPACE.slice(1), "true"]).status === 0
    ? {}
    : { skip: "mount namespaces need a privilege that this user does not have" };

for (const runtime of RUNTIMES) {
  test(`one folder at two paths has one appender a path (${runtime})`, noNamespace, async () => {
    const folder = await temporaryFolder("mounted");
    const [here, there] = [join(folder, "here"), join(folder, "there")];
    for (const path of [here, there]) mkdirSync(path);
    const mounted = [...NAMESPACE, "sh", "-c", `mount --bind "${here}" "${there}" && exec "$0" "$@"`];
    const servers = [
      await startStandalone(runtime, { root: here }),
      await startStandalone(runtime, { root: there, through: mounted }),
    ] as const;
    const [first, second] = servers.map(({ url }) => new Peers(url)) as [Peers, Peers];
    try {
      const appender = await first.appender("live.txt");
      await appender.text("one ");
      const reader = await second.reader("live.txt");
      assert.equal((await reader.body.atLeast(4)).toString(), "one ");
      const refused = await second.send({ method: "POST", target: "/live.txt?verb=APPEND", body: "two" });
      assert.equal(refused.status, 403, refused.text);
      await appender.text("and more");
      await appender.finish();
      assert.equal((await reader.body.all()).toString(), "one and more");
      await second.put("live.txt", ", and the other's");
      assert.equal((await first.stored("live.txt")).toString(), "one and more, and the other's");
    } finally {
      for (const peers of [first, second]) peers.dispose();
      for (const server of servers) await server.stop();
      await removeFolder(folder);
    }
  });
}
