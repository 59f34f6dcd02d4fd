/** The caching nginx of docs/durable-streams.md in front of a real server: how many requests of many readers reach it. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { Agent, get } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { Program } from "../fixture/processes.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until, within } from "../fixture/until.ts";
import { debianProgram } from "./debian-program.ts";
import { freePort } from "./free-port.ts";
import { sectionsOf } from "./markdown.ts";
import { nginxArguments, nginxConfiguration, replaced } from "./nginx.ts";

const READERS = 1_000;
const RECORDS = 5;

/** "A handful": the most requests that may reach the server for one record. */
const HANDFUL = 5;

const tools = await temporaryFolder("caching");
after(() => removeFolder(tools));
const nginx = await debianProgram("nginx", ["usr/sbin/nginx"], tools);
const skip = nginx === undefined && "nginx is not installed; run scripts/debian.sh nginx";

interface Answer {
  readonly status: number;
  readonly next: string;
  readonly cursor: string;
  readonly text: string;
}

/** One of many readers. Every long-poll begins where the one before has ended. */
class Reader {
  text = "";

  async read(url: string, agent: Agent, size: number): Promise<void> {
    let query = "offset=-1";
    while (this.text.length < size) {
      const { status, next, cursor, text } = await ask(`${url}?${query}&live=long-poll`, agent);
      assert.ok(status === 200 || status === 204, `status ${status}`);
      this.text += text;
      query = `offset=${next}&cursor=${cursor}`;
    }
  }
}

function ask(url: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      const { statusCode: status = 0, headers } = response;
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
      });
      response.on("error", reject);
      const [next, cursor] = [headers["stream-next-offset"], headers["stream-cursor"]].map(String);
      response.on("end", () => resolve({ status, next: next ?? "", cursor: cursor ?? "", text }));
    }).on("error", reject);
  });
}

test("a thousand readers by long-poll cost the server a handful of requests a record", { skip }, async () => {
  const args = ["--cache-seconds", "30", "--log-level", "debug"];
  const server = await startStandalone("node", { args });
  const [port, folder] = [await freePort(), join(tools, "data")];
  await mkdir(folder);
  const page = await readFile(join(ROOT, "docs", "durable-streams.md"), "utf8");
  const block = sectionsOf(page)
    .flatMap(({ blocks }) => blocks)
    .find(({ language }) => language === "nginx");
  assert.ok(block, "the page has a block of nginx");
  const here = replaced(replaced(block.text, "127.0.0.1:8080", new URL(server.url).host), "/var/cache/nginx", folder);
  await writeFile(join(folder, "configuration"), nginxConfiguration(here, port, folder));
  const proxy = new Program(nginx ?? "", nginxArguments(join(folder, "configuration"), folder));
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const send = (method: string, body: string): Promise<Response> =>
    fetch(`${server.url}/log.txt`, { method, headers: { "Content-Type": "text/plain" }, body });
  const requests = (): number => server.program.output.match(/ GET \/log\.txt /g)?.length ?? 0;
  try {
    assert.equal((await send("PUT", "record 0\n")).status, 201);
    const url = `http://127.0.0.1:${port}/log.txt`;
    await until("nginx to serve", async () => {
      assert.ok(!proxy.stdout.ended, `nginx ended:\n${proxy.output}`);
      return await fetch(url).then(
        async (response) => (await response.text()) !== "",
        () => false,
      );
    });
    const records = Array.from({ length: RECORDS }, (_, at) => `record ${at}\n`);
    const all = records.join("");
    const readers = Array.from({ length: READERS }, () => new Reader());
    const reading = Promise.all(readers.map((reader) => reader.read(url, agent, all.length)));
    for (const [at, record] of records.slice(1).entries()) {
      const known = records.slice(0, at + 1).join("").length;
      const isKnown = (): boolean => readers.every(({ text }) => text.length >= known);
      await Promise.race([reading, until(`all readers to have record ${at}`, isKnown, 120_000)]);
      assert.equal((await send("POST", record)).status, 204);
    }
    await within(reading, "all readers", 120_000);
    for (const { text } of readers) assert.equal(text, all);
    assert.ok(requests() <= HANDFUL * RECORDS, `${requests()} requests for ${RECORDS} records`);
  } finally {
    agent.destroy();
    await proxy.stop();
    await server.stop();
  }
});
