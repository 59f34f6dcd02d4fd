/**
 * What a runtime's own server prints about bodies that break off: no stack trace, and no raw text of a path or a cause.
 * The log tells the operator about them.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startScript, type TestServer } from "../fixture/servers.ts";

/** A name that adds lines and colours to the console if it is printed raw. */
const EVIL = "evil%0aFAKE%20LINE%1b%5b31m%e2%80%ae.txt";

for (const runtime of RUNTIMES) {
  describe(`the console of ${runtime}`, { timeout: 60_000 }, () => {
    for (const [what, mount] of [
      ["", "plain"],
      [" behind a middleware that compresses", "squeezed"],
    ] as const) {
      it(`is clean after a followed append is reset${what}`, () =>
        withServer(runtime, "careless-server.ts", async (peers, server) => {
          const upload = await peers.upload(`${mount}/${EVIL}`);
          await upload.chunk("half a log");
          const follower = await peers.admittedReader(`${mount}/${EVIL}`);
          await follower.body.atLeast(10);
          upload.connection.reset();
          await assert.rejects(follower.body.all());
          await peers.put(`${mount}/after.txt`, "still there");
          expectClean(server);
        }));
    }

    for (const [what, mount] of [
      ["", "quiet"],
      [" behind a middleware that compresses", "squeezed"],
    ] as const) {
      it(`is clean after a file could not be read to its end${what}`, () =>
        withServer(runtime, "logged-server.ts", async (peers, server) => {
          const path = `${mount}/broken-${EVIL}`;
          await peers.put(path, "x".repeat(1_000_000));
          const headers = { "Accept-Encoding": "gzip" };
          const read = await peers.exchange({ target: `/${path}`, headers });
          await assert.rejects(read.response());
          await server.program.printed(/can't be read/);
          await peers.put(`${mount}/after.txt`, "still there");
          expectClean(server);
        }));
    }
  });
}

function expectClean({ program }: TestServer): void {
  const { output } = program;
  assert.doesNotMatch(output, /^ +at /m, "a stack trace");
  assert.doesNotMatch(output, /^FAKE/m, "a line that a name has made");
  assert.doesNotMatch(output, /^\s*\d+ \| /m, "an excerpt of our source");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
  assert.doesNotMatch(output, /[\0-\x09\x0b-\x1f\x7f\u202e]/, "raw control characters");
}

async function withServer(
  runtime: (typeof RUNTIMES)[number],
  script: string,
  use: (peers: Peers, server: TestServer) => Promise<void>,
): Promise<void> {
  // Selects the runtime's own server among those that the script can start.
  const kind = script === "logged-server.ts" ? { root: "native" } : {};
  const server = await startScript(runtime, script, kind);
  const peers = new Peers(server.url);
  try {
    await use(peers, server);
  } finally {
    peers.dispose();
    await server.stop();
  }
}
