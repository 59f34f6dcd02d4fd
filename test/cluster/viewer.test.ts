/** The viewer page of one server, while the path is appended to through another one. */
import assert from "node:assert/strict";
import { after, before, describe, it, test } from "node:test";
import type { Browser } from "playwright-core";
import { append, openAppend } from "../../src/client/mod.ts";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { type AlternatingPair, startPair } from "../fixture/cluster-servers.ts";
import { serverForTests } from "../fixture/nats.ts";
import { NatsLab } from "../fixture/nats-lab.ts";
import { until } from "../fixture/until.ts";
import { startChromium } from "../viewer/browsers.ts";
import { Viewer } from "../viewer/page.ts";

const server = serverForTests();

if ("missing" in server) {
  test("the viewer page of either server", { skip: server.missing }, () => {});
} else {
  const { path: program } = server;
  describe("the viewer page of either server", { skip: NO_CHROMIUM }, () => {
    let lab: NatsLab;
    let pair: AlternatingPair;
    let browser: Browser;
    before(async () => {
      lab = await NatsLab.start(program);
      pair = await startPair({ runtime: "node", store: lab.storeOptions() });
      browser = await startChromium();
    });
    after(async () => {
      try {
        await browser?.close();
        await pair?.stop();
      } finally {
        await lab?.stop();
      }
    });

    for (const [reads, appends] of [
      [0, 1],
      [1, 0],
    ] as const) {
      it(`server ${reads} shows live what is appended through server ${appends}`, async () => {
        const [shown, written] = [pair.servers[reads].url, pair.servers[appends].url];
        const path = `build-${reads}.log`;
        const writer = (await openAppend(`${written}/${path}`)).getWriter();
        await writer.write("first\n");
        const viewer = await Viewer.open(browser, `${shown}/${path}`);
        await viewer.untilLast("first");
        await viewer.untilState(/^Live$/);
        for (let line = 0; line < 2_000; line++) await writer.write(`line ${line}\n`);
        await viewer.untilLast("line 1999");
        // Numbers come when the server has counted the lines.
        await viewer.until("its number", (rows) => rows.at(-1)?.number === 2_001);
        await writer.close();
        await viewer.untilState(/^Complete$/);
        await append(`${written}/${path}`, "one more\n");
        await viewer.untilLast("one more");
        assert.deepEqual(viewer.problems, []);
        await viewer.close();
      });
    }

    it("a folder of one server lists what is appended through the other server", async () => {
      const [one, other] = pair.servers;
      await append(`${other.url}/jobs/one.log`, "one\n");
      await until("the other server's path to be listed", async () => {
        const response = await fetch(`${one.url}/jobs/`, { headers: { Accept: "application/json" } });
        return /one\.log/.test(await response.text());
      });
    });
  });
}
