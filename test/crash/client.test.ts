/** How the project's client reacts to a restarted server that has fewer or more bytes than before. */
import assert from "node:assert/strict";
import { appendFileSync, readdirSync, truncateSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { follow, openAppend, StreamError } from "../../src/client/mod.ts";
import { Rig } from "../client-reconnect/rig.ts";
import { numberedLines } from "../fixture/bytes.ts";
import { startStandalone } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

const BYTES = numberedLines(100_000);

/** The damage to a root, and the error codes with which the appender and the follower may end. */
const CASES: Record<string, { tear: (root: string) => void; append: string[]; follow?: string[] }> = {
  "the file ends before the acknowledged offset": {
    tear: (root) => truncateSync(join(root, "a.txt"), 60_000),
    // `replaced` if the path's record was written before the kill; else only the offset shows it, with `changed`.
    append: ["replaced", "changed"],
    follow: ["replaced", "range"],
  },
  "the file has more bytes than were sent": {
    tear: (root) => appendFileSync(join(root, "a.txt"), "by hand"),
    append: ["changed"],
  },
  "the session is gone": {
    tear: (root) => {
      const sessions = join(root, ".httpfstream", "sessions");
      for (const name of readdirSync(sessions)) unlinkSync(join(sessions, name));
    },
    append: ["gone"],
  },
  "the file is gone": { tear: (root) => unlinkSync(join(root, "a.txt")), append: ["gone"] },
};

describe("after kill -9 and a restart, when", { concurrency: 2 }, () => {
  for (const [what, { tear, append, follow: followed }] of Object.entries(CASES)) {
    test(`${what}: the client reports it, and leaves no gap`, { timeout: 60_000 }, async () => {
      const rig = await Rig.start();
      try {
        const stream = await openAppend(rig.url("a.txt"));
        const writer = stream.getWriter();
        await writer.write(BYTES);
        await until("the acknowledgement", () => stream.offset === BYTES.length);
        const leaving = new AbortController();
        const following = follow(rig.url("a.txt"), { signal: leaving.signal });
        const got = collect(following);
        await until("the follower to have it", () => following.offset === BYTES.length);
        await rig.server.kill9();
        tear(rig.root);
        rig.server = await startStandalone("node", { root: rig.root });
        rig.proxy.target = rig.server.url;
        assert.ok(
          append.includes((await codeOf(writer.closed)) ?? ""),
          `the append ended with ${await codeOf(writer.closed)}`,
        );
        // Otherwise the follow may wait for the rest of the grace period, or has already ended.
        if (followed === undefined) leaving.abort();
        const { bytes, code } = await got;
        if (followed !== undefined) assert.ok(followed.includes(code ?? ""), `the follow ended with ${code}`);
        assert.ok(bytes.subarray(0, BYTES.length).equals(BYTES));
      } finally {
        await rig.stop();
      }
    });
  }
});

async function collect(stream: ReturnType<typeof follow>): Promise<{ bytes: Buffer; code: string | undefined }> {
  const got: Uint8Array[] = [];
  try {
    for await (const bytes of stream) got.push(bytes);
    return { bytes: Buffer.concat(got), code: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(got), code: (error as StreamError).code };
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof StreamError ? error.code : String(error);
}
