/** The transcripts in docs/protocol.md, replayed against a real server. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { OPCODE } from "../fixture/frames.ts";
import { request } from "../fixture/http.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";
import { type Block, sectionsOf } from "./markdown.ts";

const TARGET = "/build/42.log";

const sections = sectionsOf(await readFile(join(ROOT, "docs/protocol.md"), "utf8"));
const transcripts = sections
  .flatMap(({ blocks }) => blocks)
  .filter(
    ({ text, directives }) =>
      text.startsWith("> GET") && directives.includes("elsewhere test/docs/transcripts.test.ts"),
  );

describe("the transcripts of docs/protocol.md", { timeout: 60_000 }, () => {
  it("are one append and one follow", () => {
    assert.deepEqual(transcripts.map(({ text }) => /verb=(\w+)/.exec(text)?.[1]).sort(), ["APPEND", "FOLLOW"]);
  });

  for (const transcript of transcripts) {
    const [, verb] = /verb=(\w+)/.exec(transcript.text) ?? [];
    it(`go as written: ${verb}, line ${transcript.line}`, async (test) => {
      const server = await startStandalone("node");
      test.after(() => server.stop());
      if (verb === "APPEND") await new Player(server).play(transcript);
      else await playFollow(server, transcript);
    });
  }
});

/** Follows an append that has six bytes, and appends the rest when the transcript expects data. */
async function playFollow(server: TestServer, transcript: Block): Promise<void> {
  const appender = await V1Peer.open(server.url, { target: `${TARGET}?verb=APPEND` });
  await appender.send("hello ");
  await appender.acked(6);
  const player = new Player(server, async () => {
    await appender.send("world");
    await appender.finish();
  });
  await player.play(transcript);
}

/** Number of stored bytes. */
async function sizeOf({ url }: TestServer): Promise<number> {
  const { headers } = await request(url, { method: "HEAD", target: TARGET });
  return Number(headers.get("Stream-Next-Offset"));
}

/** The client of a transcript. */
class Player {
  readonly #server: TestServer;
  /** Gives the server data to send; called when the transcript expects the first data. */
  #cause: (() => Promise<void>) | undefined;
  #peer: V1Peer["peer"] | undefined;
  #seen = 0;
  #sent = 0;
  #session = "";

  constructor(server: TestServer, cause?: () => Promise<void>) {
    this.#server = server;
    this.#cause = cause;
  }

  async play({ text }: Block): Promise<void> {
    const lines = text.split("\n");
    for (const [index, line] of lines.entries()) {
      const [, who = "", what = "", rest = ""] = /^([<> ]) (\S+) *(.*)$/.exec(line) ?? [];
      const isLost = lines.slice(index).some((later) => later.includes(`${rest} was lost`));
      if (who === ">" && !isLost) await this.#send(what, rest);
      else if (who === "<") await this.#expect(what, rest);
      else if (who === " ") await this.#breakOff();
    }
  }

  async #send(what: string, rest: string): Promise<void> {
    if (what === "GET") {
      const [target = ""] = rest.split(" ");
      ({ peer: this.#peer } = await V1Peer.open(this.#server.url, { target: target.replace("9f…", this.#session) }));
      this.#seen = 0;
    } else if (what === "binary") {
      const data = JSON.parse(rest) as string;
      this.#sent += data.length;
      await this.#peer?.binary(data);
    } else await this.#peer?.text(rest);
  }

  async #expect(what: string, rest: string): Promise<void> {
    if (what === "101") {
      assert.equal((await this.#peer?.head)?.headers.get("Sec-WebSocket-Protocol"), rest.split(": ")[1]);
    } else if (what === "close") {
      assert.equal((await this.#peer?.end())?.code, Number(rest));
    } else if (what === "binary") {
      await this.#cause?.();
      this.#cause = undefined;
      assert.deepEqual(await this.#next(), { opcode: OPCODE.binary, payload: JSON.parse(rest) });
    } else {
      const { payload } = await this.#next();
      const message = JSON.parse(payload) as { session?: string; generation?: string };
      if (message.session !== undefined) this.#session = message.session;
      const expected = rest.replace("9f…", this.#session).replace("5c…", message.generation ?? "");
      assert.deepEqual(message, JSON.parse(expected));
    }
  }

  /** Cuts the connection once all sent bytes are stored. */
  async #breakOff(): Promise<void> {
    await until("what was sent to be stored", async () => (await sizeOf(this.#server)) === this.#sent);
    this.#peer?.connection.drop();
  }

  async #next(): Promise<{ opcode: number; payload: string }> {
    const message = await until("the next message", () => this.#peer?.messages[this.#seen]);
    this.#seen++;
    return { opcode: message.opcode, payload: message.payload.toString() };
  }
}
