/** An offset belongs to one content: the client and its commands never join parts of an old and a new file. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { noteOf } from "../../src/cli/follow/output-note.ts";
import { append, follow, openAppend, StreamError } from "../../src/client/mod.ts";
import { command, start } from "../cli/commands.ts";
import { Rig } from "../client-reconnect/rig.ts";
import { HttpExchange } from "../fixture/http.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const OLD = "old line\n".repeat(1_000);
const NEW = "another, which is longer\n".repeat(2_000);

let folder: string;
let rig: Rig;

before(async () => {
  folder = await temporaryFolder("contents");
  rig = await Rig.start();
});
after(async () => {
  await rig.stop();
  await removeFolder(folder);
});

/** The server's records of its paths. */
function records(): { size: number }[] {
  const streams = join(rig.root, ".httpfstream", "streams");
  return readdirSync(streams).map((name) => JSON.parse(readFileSync(join(streams, name), "utf8")) as { size: number });
}

async function refused(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof StreamError && error.code === code);
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return String(Buffer.concat(pieces));
}

describe("follow --output", () => {
  it("continues the content that it has the beginning of", async () => {
    const [url, copy] = [rig.url("grows"), join(folder, "grows")];
    for (const [text, whole] of [
      [OLD, OLD],
      [NEW, OLD + NEW],
    ] as const) {
      await append(url, text);
      const { exit, output } = await command(["follow", "-o", copy, url]);
      assert.deepEqual([exit.code, output], [0, ""]);
      assert.equal(readFileSync(copy, "utf8"), whole);
    }
  });

  for (const note of ["with its note", "without one"]) {
    it(`refuses other content, ${note}, and leaves the file unchanged`, async () => {
      const [url, copy] = [rig.url(`other ${note}`), join(folder, `other ${note}`)];
      await append(url, OLD);
      assert.equal((await command(["follow", "-o", copy, url])).exit.code, 0);
      assert.ok(existsSync(noteOf(copy)));
      if (note === "without one") rmSync(noteOf(copy));
      rmSync(join(rig.root, `other ${note}`));
      await append(url, NEW);
      const { exit, output } = await command(["follow", "-o", copy, url]);
      assert.equal(exit.code, 1);
      assert.match(output, /replaced: .*has the beginning of other content.*remove/);
      assert.equal(readFileSync(copy, "utf8"), OLD);
      rmSync(copy);
      assert.equal((await command(["follow", "-o", copy, url])).exit.code, 0);
      assert.equal(readFileSync(copy, "utf8"), NEW);
    });
  }

  it("twice at once writes every byte once", async () => {
    const [url, copy] = [rig.url("twice"), join(folder, "twice")];
    const writer = (await openAppend(url)).getWriter();
    await writer.write(OLD);
    const both = await Promise.all([
      start("bun", ["follow", "-o", copy, url]),
      start("bun", ["follow", "-o", copy, url]),
    ]);
    await until("the first bytes", () => existsSync(copy) && readFileSync(copy).length >= OLD.length);
    await writer.write(NEW);
    await writer.close();
    for (const each of both) assert.deepEqual(await each.end(), { code: 0, signal: null }, each.output);
    assert.equal(readFileSync(copy, "utf8"), OLD + NEW);
  });
});

describe("follow --wait", () => {
  for (const how of ["--offset=now", "--tail=3"]) {
    it(`${how} of a path that does not exist yet misses nothing of it`, async () => {
      const path = `waits${how}`;
      const waiting = await start("bun", ["follow", "-v", "--wait", how, rig.url(path)]);
      await waiting.printed(/waiting: /);
      // The file exists, with content, before the next poll.
      writeFileSync(join(rig.root, path), "first line\n");
      assert.deepEqual(await waiting.end(), { code: 0, signal: null });
      assert.equal(String(waiting.stdout.bytes()), "first line\n");
    });
  }
});

describe("a follow whose appender is lost", () => {
  for (const transport of ["websocket", "http"]) {
    it(`over ${transport} ends with a message and exit code 1`, async () => {
      const path = `lost-${transport}`;
      const target = `/${path}?verb=APPEND`;
      const headers = { "Transfer-Encoding": "chunked" };
      const upload = await HttpExchange.start(rig.server.url, { method: "PUT", target, headers });
      await upload.chunk("half");
      await until(
        "the bytes",
        () => existsSync(join(rig.root, path)) && rig.stored(path).then(({ length }) => length === 4),
      );
      const following = await start("bun", ["follow", "--transport", transport, rig.url(path)]);
      await following.printed(/half/);
      upload.connection.reset();
      assert.deepEqual(await following.end(), { code: 1, signal: null });
      assert.match(following.output, /lost: The appender of .* vanished at offset 4 and did not return/);
      const late = await command(["follow", "--transport", transport, rig.url(path)]);
      assert.equal(late.exit.code, 1, "who comes later is told, too");
      assert.match(late.output, /^half.*lost: /s);
    });
  }

  it("tells programs the reason over either transport, even after the end", async () => {
    const url = rig.url("reasons");
    await append(url, "whole");
    for (const transport of ["websocket", "http"] as const) {
      const stream = follow(url, { transport });
      assert.equal(await all(stream), "whole");
      assert.deepEqual(await stream.ended, { reason: "complete", offset: 5 });
    }
  });
});

describe("a follow that reconnects", () => {
  for (const transport of ["websocket", "http"] as const) {
    it(`over ${transport} to other content ends with replaced, and delivers nothing of it`, async () => {
      const path = `reconnects-${transport}`;
      const writer = (await openAppend(rig.url(path))).getWriter();
      const OLD = `${transport} ${"old line\n".repeat(1_000 + transport.length)}`;
      await writer.write(OLD);
      const stream = follow(rig.url(path), { transport });
      const reader = stream.getReader();
      let got = "";
      while (got.length < OLD.length) got += Buffer.from((await reader.read()).value ?? "").toString();
      const { generation } = stream;
      assert.match(generation ?? "", /^[\w-]+$/);
      // The record may lag by some tenths of a second.
      await until("it to be on record", () => records().some(({ size }) => size === OLD.length));
      rig.proxy.target = undefined;
      rig.proxy.cut();
      await rig.server.kill9();
      rmSync(join(rig.root, path));
      writeFileSync(join(rig.root, path), NEW);
      await rig.restart("kill -9");
      await refused(
        (async () => {
          for (let next = await reader.read(); !next.done; next = await reader.read()) got += String(next.value);
        })(),
        "replaced",
      );
      assert.equal(got, OLD);
      await writer.abort().catch(() => {});
    });
  }

  it("is refused other content at its first request, if the caller names a generation", async () => {
    const url = rig.url("begins");
    await append(url, OLD);
    const first = follow(url);
    await all(first);
    const generation = first.generation ?? "";
    truncateSync(join(rig.root, "begins"), 10);
    await append(url, NEW);
    await refused(all(follow(url, { offset: 100, generation })), "replaced");
  });
});

describe("an append that is resumed", () => {
  it("does not continue in other content", async () => {
    const url = rig.url("resumes");
    const stream = await openAppend(url);
    const writer = stream.getWriter();
    await writer.write("one ");
    await until("an acknowledgement", () => (stream.resumePoint?.offset ?? 0) === 4);
    const point = stream.resumePoint;
    assert.ok(point?.generation);
    const resume = { ...point, generation: "another" };
    await refused(append(url, "two", { resume, retryForMs: 0 }), "replaced");
    assert.equal(String(await rig.stored("resumes")), "one ");
    await writer.close();
  });
});
