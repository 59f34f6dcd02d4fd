/** The programs in examples/, run as their comments say. */
import assert from "node:assert/strict";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { after, before, describe, it, type TestContext } from "node:test";
import type { Page, Route } from "playwright-core";
import { ROOT } from "../../scripts/lib/install.mjs";
import { append, follow, openAppend } from "../../src/client/mod.ts";
import { HttpExchange, request } from "../fixture/http.ts";
import { executable, Program, type Runtime, scriptArguments } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { within } from "../fixture/until.ts";
import { chromiumPage } from "./chromium.ts";
import { freePort } from "./free-port.ts";

const TESTED = [
  ...["browser.html", "build-log.sh", "deno.d.ts", "hono-bun.ts", "hono-deno.ts", "hono-node.ts", "llm-output.ts"],
  ...["tail-viewer.ts", "upload-download.ts", "with-auth.ts"],
];

const folder = await temporaryFolder("examples");
after(() => removeFolder(folder));

/** Starts an example in its own folder, on a free port. */
async function start(name: string, runtime: Runtime = "node", env: Record<string, string> = {}): Promise<Example> {
  const cwd = join(folder, name);
  await mkdir(cwd, { recursive: true });
  const port = await freePort();
  const args = scriptArguments(runtime, join(ROOT, "examples", name));
  // That folder has no node_modules with tsx.
  const found = args.map((arg) => (arg === "tsx" ? import.meta.resolve(arg) : arg));
  const program = new Program(await executable(runtime), found, { cwd, env: { ...env, PORT: String(port) } });
  return { program, url: `http://127.0.0.1:${port}` };
}

interface Example {
  readonly program: Program;
  readonly url: string;
}

async function textOf(url: string): Promise<string> {
  return await new Response(follow(url) as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

it("every example is tested here", async () => {
  assert.deepEqual((await readdir(join(ROOT, "examples"))).sort(), [...TESTED].sort());
});

describe("examples", { timeout: 120_000 }, () => {
  for (const runtime of ["node", "deno", "bun"] as const) {
    it(`hono-${runtime}.ts serves an app with streams in it`, async (test) => {
      const { program, url } = await start(`hono-${runtime}.ts`, runtime);
      test.after(() => program.stop("SIGKILL"));
      await program.printed(/http:\/\/(127\.0\.0\.1|localhost):\d+/);
      assert.match((await request(url, { target: "/" })).text, /below \/streams\//);
      await append(`${url}/streams/a.txt`, "hello");
      const writer = (await openAppend(`${url}/streams/a.txt`)).getWriter();
      const text = textOf(`${url}/streams/a.txt`);
      await writer.write(", world");
      await writer.close();
      assert.equal(await text, "hello, world");
      assert.equal((await program.stop("SIGINT")).code, 0);
    });
  }

  it("with-auth.ts lets all clients read, and only those with the token append", async (test) => {
    const { program, url } = await start("with-auth.ts", "node", { TOKEN: "open-sesame" });
    test.after(() => program.stop());
    await program.printed(/http:/);
    const path = `${url}/streams/a.txt`;
    await assert.rejects(append(path, "no"), { code: "unauthorized" });
    const headers = { Authorization: "Bearer open-sesame" };
    await append(path, "yes", { headers });
    assert.equal(await textOf(path), "yes");
    const said = await request(url, { method: "PUT", target: "/streams/a.txt", headers: { "X-Verb": "APPEND" } });
    assert.equal(said.status, 401);
  });

  it("upload-download.ts downloads what is being uploaded", async (test) => {
    const { program } = await start("upload-download.ts");
    test.after(() => program.stop());
    assert.deepEqual(await within(program.exited, "its end", 60_000), { code: 0, signal: null }, program.output);
    assert.match(program.output, /^the same bytes$/m);
  });

  it("upload-download.ts does so repeatedly with one URL", async (test) => {
    const server = await startStandalone("node");
    test.after(() => server.stop());
    for (let time = 0; time < 2; time++) {
      const line = [...scriptArguments("node", join("examples", "upload-download.ts")), `${server.url}/disk.img`];
      const program = new Program(process.execPath, line);
      test.after(() => program.stop());
      assert.deepEqual(await within(program.exited, "its end", 60_000), { code: 0, signal: null }, program.output);
      assert.match(program.output, /^the same bytes$/m);
    }
  });

  it("llm-output.ts continues without the client that asked, and other clients can follow it", async (test) => {
    const { program, url } = await start("llm-output.ts", "node", { TOKEN_MS: "20" });
    test.after(() => program.stop());
    await program.printed(/http:/);
    const asked = await request(url, { method: "POST", target: "/ask", body: "Why?" });
    assert.equal(asked.status, 202);
    const path = asked.headers.get("Location") ?? "";
    const gone = await HttpExchange.start(url, { target: `${path}?verb=FOLLOW` });
    await gone.body.atLeast(5);
    gone.connection.drop();
    assert.match(await textOf(`${url}${path}`), /^You asked: Why\? .* answer to it\.\n$/);
  });
});

describe("build-log.sh", { timeout: 120_000 }, () => {
  const script = join(ROOT, "examples", "build-log.sh");
  const bin = join(folder, "bin");
  let server: TestServer;

  before(async () => {
    server = await startStandalone("node");
    await mkdir(bin);
    const command = `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "scripts", "run.mjs")}" mod.ts "$@"\n`;
    await writeFile(join(bin, "httpfstream"), command);
    await chmod(join(bin, "httpfstream"), 0o755);
  });
  after(() => server?.stop());

  async function build(url: string, command: string): Promise<Program> {
    const env = { PATH: `${bin}${delimiter}${process.env["PATH"]}` };
    const program = new Program(script, [url, "sh", "-c", command], { env });
    program.endInput();
    await within(program.exited, "the build to end", 60_000);
    return program;
  }

  it("shows and stores both outputs of a command, and ends with its exit code", async () => {
    const url = `${server.url}/build/42.log`;
    const program = await build(url, "echo one; echo two >&2; exit 3");
    assert.equal((await program.exited).code, 3);
    assert.equal(program.output, "one\ntwo\n");
    assert.equal(await textOf(url), "one\ntwo\n");
  });

  it("does not disturb the command when there is no server", async () => {
    const program = await build(`http://127.0.0.1:${await freePort()}/build/42.log`, "seq 100000; exit 3");
    assert.equal((await program.exited).code, 3);
    assert.match(program.output, /^100000$/m);
    assert.match(program.output, /^httpfstream append: unreachable: /m);
  });

  it("prints its usage", async () => {
    const program = new Program(script, ["http://127.0.0.1/"]);
    assert.equal((await program.exited).code, 2);
    assert.match(program.output, /^Usage: /);
  });
});

describe("tail-viewer.ts with browser.html", { timeout: 120_000 }, async () => {
  const { open, skip } = await chromiumPage();

  it("shows stored bytes, waits for a missing stream, and adds new bytes", { skip }, async (test) => {
    const { page, append } = await waitingPage(test, "early.log");
    const writer = await append();
    await expectToSee(page, writer);
  });

  it("prints a URL that shows a stream, and explains what a URL without one lacks", { skip }, async (test) => {
    const { program, url } = await start("tail-viewer.ts");
    test.after(() => program.stop());
    const [printed] = await program.printed(/http:\S+/);
    await append(printed.replace("#/", ""), "shown\n");
    const page = await open();
    test.after(() => page.close());
    await page.goto(printed);
    await page.getByText("shown", { exact: true }).waitFor();
    await page.getByText("no appender").waitFor();
    await page.goto(`${url}/`);
    await page.reload();
    await page.getByText("Add the name of a stream to the address of this page").waitFor();
    assert.equal(await page.locator("#log").textContent(), "");
  });

  it("misses no byte of an append that begins while it requests the stored bytes", { skip }, async (test) => {
    const { page, append } = await waitingPage(test, "late.log");
    const question = await held(page, /late\.log\?/);
    const writer = await append();
    question.release();
    await expectToSee(page, writer);
  });

  /** A page on a path that does not exist yet, and a function that begins an append to it. */
  async function waitingPage(test: TestContext, path: string): Promise<{ page: Page; append: () => Promise<Writer> }> {
    const { program, url } = await start("tail-viewer.ts");
    test.after(() => program.stop());
    await program.printed(/http:/);
    const page = await open();
    test.after(() => page.close());
    await page.goto(`${url}/#/streams/${path}`);
    await page.getByText("this stream does not exist yet").waitFor();
    const append = async (): Promise<Writer> => {
      const writer = (await openAppend(`${url}/streams/${path}`)).getWriter();
      await writer.write("grüße ");
      return writer;
    };
    return { page, append };
  }

  async function expectToSee(page: Page, writer: Writer): Promise<void> {
    await page.getByText("grüße", { exact: true }).waitFor();
    await writer.write("aus dem Browser\n");
    await page.getByText("grüße aus dem Browser", { exact: true }).waitFor();
    await writer.close();
    // Which of the two appears depends on whether the append had begun when the page opened its WebSocket.
    await page.getByText(/ended: complete|no appender/).waitFor();
    await page.reload();
    await page.getByText("grüße aus dem Browser", { exact: true }).waitFor();
    await page.getByText("no appender").waitFor();
  }
});

type Writer = WritableStreamDefaultWriter<Uint8Array | string>;

/** Resolves when a page has sent a matching request, which is held until `release` is called. */
async function held(page: Page, url: RegExp): Promise<{ release: () => void }> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await new Promise<void>((asked) => {
    const hold = async (route: Route): Promise<void> => {
      asked();
      await released;
      await route.continue();
    };
    void page.route(url, hold, { times: 1 });
  });
  return { release };
}
