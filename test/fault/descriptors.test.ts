/** A server with a low limit of descriptors refuses connections that exceed it, and keeps serving. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { descriptors, NO_DESCRIPTORS } from "../fixture/descriptors.ts";
import { type HttpRequest, type HttpResponse, requestHead } from "../fixture/http.ts";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startStandalone } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

/** The server's limit of descriptors. */
const LIMIT = 128;

/** How many clients connect at once. */
const CROWD = 300;

/** The crowd has one address, which may not have all connections by default. */
const ALL_OF_ONE_ADDRESS = ["--limit", "peerSockets=0"];

const through = ["sh", "-c", `ulimit -n ${LIMIT} && exec "$0" "$@"`];
const options = NO_DESCRIPTORS === undefined ? {} : { skip: NO_DESCRIPTORS };

const CROWDS = {
  "stalled downloads": "/a.bin",
  "follows of another client's append": "/live.txt?verb=FOLLOW",
  "connections that stay open behind a listing": "/",
};

for (const runtime of RUNTIMES) {
  for (const [what, target] of Object.entries(CROWDS)) {
    test(`with few descriptors, the server outlives a crowd of ${what} (${runtime})`, options, async () => {
      const server = await startStandalone(runtime, { through, args: ALL_OF_ONE_ADDRESS });
      const peers = new Peers(server.url);
      try {
        await peers.put("a.bin", Buffer.alloc(20_000_000));
        const appender = await peers.appender("live.txt");
        await appender.text("live");
        const request = requestHead(server.url, { target, headers: { Connection: "keep-alive" } });
        const crowd = Array.from({ length: CROWD }, () => {
          const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
          // It does not matter how the server refuses the connection.
          socket.on("error", () => {});
          socket.write(request);
          return socket;
        });
        await server.program.printed(/Connections are refused/);
        assert.ok(descriptors(server.pid).length < LIMIT);
        for (const socket of crowd) socket.resetAndDestroy();
        // Until the server has seen the end of the whole crowd, it may refuse any connection.
        const served = async (request: HttpRequest): Promise<HttpResponse> => {
          let answer: HttpResponse | undefined;
          await until("the server to serve again", async () => {
            answer = await peers.send(request).catch(() => undefined);
            return answer?.status === 200;
          });
          return answer as HttpResponse;
        };
        await served({ method: "POST", target: "/b.txt?verb=APPEND", body: "more" });
        assert.equal((await served({ target: "/b.txt" })).body.toString(), "more");
        await appender.text("ly");
        await appender.finish();
        assert.equal((await served({ target: "/live.txt" })).body.toString(), "lively");
        await server.program.printed(/Connections are accepted again/);
      } finally {
        peers.dispose();
        await server.stop();
      }
    });
  }
}
