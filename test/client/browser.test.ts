import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import type * as Client from "../../src/client/mod.ts";
import { ShiftyProxy } from "../client-reconnect/proxy.ts";
import { findBrowser, NO_CHROMIUM } from "../fixture/browser.ts";
import { prng } from "../fixture/bytes.ts";
import { executable, run } from "../fixture/processes.ts";
import { expectCleanStop, startScript, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

declare global {
  // Set by the page below.
  var client: typeof Client;
  var all: (stream: ReadableStream<Uint8Array>) => Promise<number[]>;
  var code: (action: () => Promise<unknown>) => Promise<string>;
}

const PAGE = `<!doctype html><title>client</title><script type="module">
import * as client from "/client.js";
// The functions below are sent to the page as the test runner's compiler leaves them, with calls to this.
globalThis.__name = (named) => named;
globalThis.all = async (stream) => {
  const reader = stream.getReader();
  const bytes = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) bytes.push(...next.value);
  return bytes;
};
globalThis.code = (action) => action().then(() => "nothing was refused", (error) => error.code ?? String(error));
globalThis.client = client;
</script>`;

describe("the client in a browser", { skip: NO_CHROMIUM }, () => {
  let folder: string;
  let pages: Server;
  let server: TestServer;
  let browser: Browser;
  let page: Page;

  before(async () => {
    folder = await temporaryFolder("browser");
    const bundle = await bundled(join(folder, "client.js"));
    pages = createServer((request, response) => {
      const script = request.url === "/client.js";
      response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
      response.end(script ? bundle : PAGE);
    });
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    server = await startStandalone("node", { args: ["--origin", origin, "--cors"] });
    browser = await chromium.launch({ executablePath: findBrowser() as string, args: ["--no-sandbox"] });
    page = await browser.newPage();
    await page.goto(origin);
    await page.waitForFunction(() => "client" in globalThis);
  });
  after(async () => {
    await browser?.close();
    pages.closeAllConnections();
    await new Promise((resolve) => pages.close(resolve));
    await expectCleanStop(server);
    await removeFolder(folder);
  });

  it("appends text and bytes, and reads what is stored", async () => {
    const bytes = await page.evaluate(async (url) => {
      await client.append(url, "süß ");
      await client.append(url, new Uint8Array([0, 255, 254]));
      await client.append(url, new Blob(["!"]));
      return await all(client.follow(url));
    }, `${server.url}/stored`);
    assert.deepEqual(Buffer.from(bytes), Buffer.from("73c3bcc39f2000fffe21", "hex"));
  });

  it("follows an appender to its end", async () => {
    const { text, states } = await page.evaluate(async (url) => {
      const states: string[] = [];
      const writer = (await client.openAppend(url)).getWriter();
      await writer.write("history, ");
      const following = all(client.follow(url, { onState: ({ state }) => states.push(state) }));
      while (states.length < 2) await new Promise((resolve) => setTimeout(resolve));
      await writer.write("lïve");
      await writer.close();
      return { text: new TextDecoder().decode(new Uint8Array(await following)), states };
    }, `${server.url}/live`);
    assert.deepEqual([text, states], ["history, lïve", ["connecting", "open", "ended"]]);
  });

  it("follows bytes that text frames can't carry", async () => {
    const bytes = await page.evaluate(async (url) => {
      const writer = (await client.openAppend(url)).getWriter();
      await writer.write("text");
      const reader = client.follow(url).getReader();
      const seen = [...((await reader.read()).value ?? [])];
      await writer.write(new Uint8Array([255, 0, 254]));
      seen.push(...((await reader.read()).value ?? []));
      await writer.write("end");
      await writer.close();
      reader.releaseLock();
      return seen;
    }, `${server.url}/bytes`);
    assert.deepEqual(bytes, [...Buffer.from("text"), 255, 0, 254]);
  });

  it("delivers every byte to a slow reader", async () => {
    const megabytes = 24;
    const { count, wrong } = await page.evaluate(
      async ({ url, megabytes }) => {
        const piece = new Uint8Array(1024 * 1024).map((_, at) => 97 + (at % 23));
        const writer = (await client.openAppend(url)).getWriter();
        await writer.write(piece);
        const reader = client.follow(url).getReader();
        let next = await reader.read();
        for (let sent = 1; sent < megabytes; sent++) await writer.write(piece);
        await writer.close();
        let count = 0;
        let wrong = 0;
        for (; !next.done; next = await reader.read()) {
          for (const byte of next.value) if (byte !== 97 + ((count++ % piece.length) % 23)) wrong++;
        }
        return { count, wrong };
      },
      { url: `${server.url}/slow`, megabytes },
    );
    assert.deepEqual({ count, wrong }, { count: megabytes * 1024 * 1024, wrong: 0 });
  });

  it("survives a network that cuts its connections: every byte arrives once", async () => {
    const proxy = await ShiftyProxy.start(server.url);
    const random = prng(17);
    proxy.allowance = () => 60_000 + Math.floor(random() * 200_000);
    const seen = await page.evaluate(async (url) => {
      const piece = new Uint8Array(50_000).map((_, at) => at % 251);
      const states: string[] = [];
      let begin = (): void => {};
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const appending = client.append(url, Array(20).fill(piece), {
        retryFirst: true,
        onState({ state }) {
          states.push(state);
          if (state === "open") begin();
        },
      });
      await Promise.race([begun, appending]);
      const reader = client.follow(url, { retryFirst: true }).getReader();
      let count = 0;
      let wrong = 0;
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        for (const byte of next.value) if (byte !== (count++ % piece.length) % 251) wrong++;
      }
      return { count, wrong, result: await appending, retried: states.includes("retrying") };
    }, `${proxy.url}/cut`);
    await proxy.close();
    assert.deepEqual(seen, { count: 1e6, wrong: 0, result: { bytes: 1e6, offset: 1e6 }, retried: true });
  });

  it("reports why a request was refused, although browsers hide it", async () => {
    const codes = await page.evaluate(async (base) => {
      const held = await client.openAppend(`${base}/held`);
      const codes = {
        conflict: await code(() => client.append(`${base}/held`, "x")),
        notFound: await code(() => all(client.follow(`${base}/never`))),
        badPath: await code(() => client.append(`${base}/a%2fb`, "x")),
        headers: await code(() => client.append(`${base}/a`, "x", { headers: { "X-A": "1" } })),
        aborted: await code(() => all(client.follow(`${base}/held`, { signal: AbortSignal.timeout(100) }))),
        unreachable: await code(() => client.append("http://127.0.0.1:1/a", "x")),
      };
      await held.close();
      return codes;
    }, server.url);
    assert.deepEqual(codes, {
      conflict: "conflict",
      notFound: "not_found",
      badPath: "bad_path",
      headers: "bad_request",
      aborted: "aborted",
      unreachable: "unreachable",
    });
  });

  it("speaks Durable Streams with a server that speaks nothing else", async () => {
    const reference = await startScript("node", "reference-server.ts");
    const seen = await page.evaluate(async (url) => {
      const writer = (await client.openAppend(url, { close: true })).getWriter();
      await writer.write(new Uint8Array([0, 255]));
      const reading = all(client.follow(url));
      await writer.write("lïve");
      await writer.close();
      const bytes = await reading;
      return { bytes, rest: await all(client.follow(url, { position: "5@-1" })) };
    }, `${reference.url}/v1/stream/bytes`);
    await expectCleanStop(reference);
    assert.deepEqual(seen, { bytes: [0, 255, ...Buffer.from("lïve")], rest: [...Buffer.from("ve")] });
  });

  it("sends headers with a follow over HTTP", async () => {
    const bytes = await page.evaluate(async (url) => {
      const writer = (await client.openAppend(url)).getWriter();
      await writer.write("x");
      const following = all(client.follow(url, { headers: { Authorization: "Bearer token" } }));
      await writer.close();
      return await following;
    }, `${server.url}/headers`);
    assert.deepEqual(bytes, [120]);
  });

  it("refuses a page of an origin that is not on the list", async () => {
    const strange = await browser.newPage();
    await strange.goto(`http://localhost:${(pages.address() as AddressInfo).port}`);
    await strange.waitForFunction(() => "client" in globalThis);
    const refusal = await strange.evaluate(
      async (url) => await code(() => client.append(url, "x")),
      `${server.url}/strange`,
    );
    // Without CORS headers, the page can't read the refusal.
    assert.equal(refusal, "unreachable");
    assert.ok(!existsSync(join(server.root, "strange")));
    await strange.close();
  });
});

async function bundled(file: string): Promise<string> {
  const bun = await run(await executable("bun"), [
    "build",
    "src/client/mod.ts",
    "--target=browser",
    `--outfile=${file}`,
  ]);
  assert.equal(bun.exit.code, 0, bun.output);
  return await readFile(file, "utf8");
}
