/** A follow whose response a middleware drops ends at once, and not only with its append. */
import { describe, it } from "node:test";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startScript, type TestServer } from "../fixture/servers.ts";

for (const runtime of RUNTIMES) {
  describe(`mounted on ${runtime}`, { concurrency: true, timeout: 60_000 }, () => {
    let server: Promise<TestServer> | undefined;
    let open = 0;
    const connected = async (use: (peers: Peers, server: TestServer) => Promise<void>): Promise<void> => {
      open++;
      server ??= startScript(runtime, "careless-server.ts");
      const running = await server;
      const peers = new Peers(running.url);
      try {
        await use(peers, running);
      } finally {
        peers.dispose();
        if (--open === 0) await running.stop();
      }
    };

    for (const [mount, what] of [
      ["replaced", "if a middleware replaces its response"],
      ["thrown", "if a middleware throws after its handler"],
      ["inside", "if an app around the mounted one replaces its response"],
    ] as const) {
      it(`a follow ends ${what}`, () =>
        connected(async (peers, { program }) => {
          const appender = await peers.upload(`plain/${mount}.txt`);
          await appender.chunk("hello");
          await (await peers.admittedReader(`plain/${mount}.txt`)).body.atLeast(5);
          for (let follow = 0; follow < 3; follow++) await peers.send({ target: `/${mount}/${mount}.txt?verb=FOLLOW` });
          await program.printed(new RegExp(`(follow of ${mount}\\.txt: gone[^]*){3}`));
          await appender.finish();
          await program.printed(new RegExp(`append of ${mount}\\.txt: complete`));
        }));
    }

    it("a follow ends with its client, even if a middleware has teed its body and reads only one branch", () =>
      connected(async (peers, { program }) => {
        const appender = await peers.upload("plain/teed.txt");
        await appender.chunk("hello");
        const follower = await peers.admittedReader("teed/teed.txt");
        await follower.body.atLeast(5);
        follower.connection.drop();
        await program.printed(/follow of teed\.txt: gone/);
        await appender.finish();
      }));
  });
}
