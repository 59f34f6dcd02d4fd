/** How append and follow end after failures and interruptions, and what they print. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { command, start } from "../cli/commands.ts";
import { OriginalServer } from "../client/original-server.ts";
import { Rig } from "../client-reconnect/rig.ts";
import { randomBytes, sha256 } from "../fixture/bytes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { cutOnce, heal } from "./cut.ts";

/** More bytes than the window and all buffers on the way hold. */
const SIZE = 30_000_000;
const BYTES: Buffer = randomBytes(SIZE, 22);

let folder: string;
let source: string;
let resume: string;

before(async () => {
  folder = await temporaryFolder("cli-reconnect");
  source = join(folder, "source");
  await writeFile(source, BYTES);
});
beforeEach(() => {
  resume = join(folder, `resume-${Math.random()}`);
});
after(() => removeFolder(folder));

describe("append --resume-file", () => {
  let rig: Rig;

  before(async () => {
    rig = await Rig.on("bun");
  });
  afterEach(() => heal(rig.proxy));
  after(() => rig.stop());

  it("at Ctrl-C stores what was read and leaves the append open, and the same command completes it", async () => {
    const line = ["append", "--resume-file", resume, rig.url("interrupted"), source];
    cutOnce(rig.proxy, 3_000_000);
    const interrupted = await start("bun", ["append", "-v", ...line.slice(1)]);
    await interrupted.printed(/Trying again/);
    interrupted.child.kill("SIGINT");
    await interrupted.printed(/The server can't be reached\. Once/);
    heal(rig.proxy);
    assert.deepEqual(await interrupted.end(), { code: 130, signal: null });
    assert.match(
      interrupted.output,
      /\ninterrupted: \d+ bytes of .* were read, but not all\. The same command resumes the append/,
    );
    const stored = await rig.stored("interrupted");
    assert.ok(stored.length < SIZE && stored.equals(BYTES.subarray(0, stored.length)));
    const again = await command(line);
    assert.deepEqual([again.exit.code, again.output], [0, ""]);
    assert.equal(sha256(await rig.stored("interrupted")), sha256(BYTES));
    assert.ok(!existsSync(resume));
  });

  it("resumes from a pipe that yields the same bytes again, after content that existed before", async () => {
    const url = rig.url("piped");
    await append(url, "before");
    const line = ["append", "--resume-file", resume, url];
    const killed = await start("bun", line);
    await killed.write(BYTES.subarray(0, 1_000_000));
    await until("it to arrive", async () => (await rig.stored("piped")).length === 1_000_006);
    assert.equal((JSON.parse(await readFile(resume, "utf8")) as { start: number }).start, 6);
    await killed.stop("SIGKILL");
    const again = await command(line, { input: BYTES });
    assert.deepEqual([again.exit.code, again.output], [0, ""]);
    assert.equal(sha256(await rig.stored("piped")), sha256(Buffer.concat([Buffer.from("before"), BYTES])));
  });

  it("detects that everything has arrived if only the confirmation was missed", async () => {
    const url = rig.url("arrived");
    await append(url, BYTES);
    await writeFile(resume, JSON.stringify({ url, session: "over", start: 0 }));
    const again = await command(["append", "--resume-file", resume, url, source]);
    assert.deepEqual([again.exit.code, again.output], [0, ""]);
    assert.ok(!existsSync(resume));
  });

  it("does not start over by itself when the server has given up the append", async () => {
    const url = rig.url("gone");
    await append(url, "some of it");
    await writeFile(resume, JSON.stringify({ url, session: "over", start: 0 }));
    const again = await command(["append", "--resume-file", resume, url, source]);
    assert.equal(again.exit.code, 1);
    assert.match(again.output, /^httpfstream append: gone: The append of .* has ended [^\n]*\n$/);
    assert.ok(existsSync(resume));
    assert.equal(String(await rig.stored("gone")), "some of it");
  });

  it("requires the same URL and the same file", async () => {
    await writeFile(resume, JSON.stringify({ url: rig.url("one"), session: "s", start: 0 }));
    const other = await command(["append", "--resume-file", resume, rig.url("other"), source]);
    assert.equal(other.exit.code, 2);
    assert.match(
      other.output,
      /^httpfstream append: \S+ belongs to an append to \S+\/one, not to \S+\/other\.[^\n]*\n$/,
    );

    const url = rig.url("shortened");
    const open = await openAppend(url);
    const writer = open.getWriter();
    await writer.write("twelve bytes");
    await until("it to arrive", () => open.offset === 12);
    await writeFile(resume, JSON.stringify({ url, session: open.resumePoint?.session, start: 0 }));
    const short = join(folder, "short");
    await writeFile(short, "twelve");
    const shorter = await command(["append", "--resume-file", resume, url, short]);
    assert.equal(shorter.exit.code, 1);
    assert.match(
      shorter.output,
      /^httpfstream append: The server has 12 bytes of the append, but \S+ has 6 bytes: [^\n]*\n$/,
    );
    await assert.rejects(writer.closed, { code: "fenced" });
  });

  it("is refused if the resume file can't be written", async () => {
    const nowhere = join(folder, "no", "such", "folder");
    const refused = await command(["append", "--resume-file", nowhere, rig.url("nowhere"), source]);
    assert.equal(refused.exit.code, 1);
    assert.match(
      refused.output,
      /^httpfstream append: Can't use the resume file [^\n]*: the folder \S+\/no\/such does not exist\.\n$/,
    );
  });
});

describe("follow --output", () => {
  let rig: Rig;
  let url: string;
  let copy: string;

  before(async () => {
    rig = await Rig.on("bun");
    url = rig.url("stored");
    copy = join(folder, "copy");
    await append(url, "0123456789");
  });
  after(() => rig.stop());

  it("fetches what the file lacks", async () => {
    await writeFile(copy, "0123");
    const fetched = await command(["follow", "-v", "--output", copy, url]);
    assert.equal(fetched.exit.code, 0, fetched.output);
    assert.match(fetched.output, /\nno appender; .*\ndone: 6 bytes from .*\n$/);
    assert.equal(await readFile(copy, "utf8"), "0123456789");
    const nothing = await command(["follow", "--output", copy, url]);
    assert.deepEqual([nothing.exit.code, nothing.output], [0, ""]);
    assert.equal(await readFile(copy, "utf8"), "0123456789");
  });

  it("leaves a file unchanged that has more than the server", async () => {
    const longer = join(folder, "longer");
    await writeFile(longer, "another file");
    const refused = await command(["follow", "--output", longer, url]);
    assert.equal(refused.exit.code, 1);
    assert.match(refused.output, /^httpfstream follow: range: \S+ has 12 bytes, which is more than [^\n]*\n$/);
    assert.equal(await readFile(longer, "utf8"), "another file");
  });

  it("creates no file if the resource does not exist", async () => {
    const missing = join(folder, "missing");
    const refused = await command(["follow", "--output", missing, rig.url("never")]);
    assert.equal(refused.exit.code, 1);
    assert.ok(!existsSync(missing));
  });
});

describe("a server that stays away", () => {
  let rig: Rig;

  before(async () => {
    rig = await Rig.on("bun");
  });
  after(() => rig.stop());

  it("is waited for no longer than requested; a second Ctrl-C ends the wait at once", async () => {
    const impatient = await start("bun", ["append", "--retry-for", "0", rig.url("impatient")]);
    const patient = await start("bun", ["append", rig.url("patient")]);
    const follower = await start("bun", ["follow", "--wait", "--retry-for", "0", rig.url("impatient")]);
    for (const appender of [impatient, patient]) await appender.write("x");
    await follower.stdout.atLeast(1);
    await until("both to have begun", async () => {
      const stored = await rig.stored("patient").catch(() => undefined); // It does not exist at first.
      return stored?.length === 1;
    });
    rig.proxy.target = undefined;
    rig.proxy.cut();
    assert.deepEqual(await impatient.end(), { code: 1, signal: null });
    assert.match(impatient.output, /^httpfstream append: unreachable: [^\n]*\n$/);
    assert.deepEqual(await follower.end(), { code: 1, signal: null });
    assert.match(String(follower.stderr.bytes()), /^httpfstream follow: unreachable: [^\n]*\n$/);
    patient.child.kill("SIGINT");
    await patient.printed(/The server can't be reached\. Once/);
    let over = false;
    const exit = patient.end().finally(() => {
      over = true;
    });
    // A terminal's Ctrl-C may arrive twice; only a later one counts as the second.
    await until("the end", () => {
      patient.child.kill("SIGINT");
      return over;
    });
    assert.deepEqual(await exit, { code: 130, signal: null });
  });
});

describe("a lost append", () => {
  it("is a failure for its followers, although they have every stored byte", async () => {
    const rig = await Rig.on("bun", "--limit", "graceMs=300");
    try {
      const url = rig.url("lost");
      const writer = (await openAppend(url)).getWriter();
      await writer.write("half");
      const follower = await start("bun", ["follow", "-v", url]);
      await follower.stdout.atLeast(4);
      await writer.abort();
      assert.deepEqual(await follower.end(), { code: 1, signal: null });
      assert.equal(String(follower.stdout.bytes()), "half");
      assert.match(
        String(follower.stderr.bytes()),
        /^connecting .*\nfollowing .*\nhttpfstream follow: lost: The appender of \S+ vanished at offset 4 [^\n]*\n$/,
      );
    } finally {
      await rig.stop();
    }
  });
});

describe("the original server", () => {
  let original: OriginalServer;

  before(async () => {
    original = await OriginalServer.start();
  });
  after(() => original.close());

  it("is used over the classic protocol", async () => {
    const url = `${original.url}/a.txt`;
    const up = await command(["append", "-v", url], { input: "hello\n" });
    assert.equal(up.exit.code, 0, up.output);
    assert.match(up.output, /\nappending standard input to \S+, which this server can't resume\ndone: appended 6 /);
    const down = await command(["follow", url]);
    assert.deepEqual([down.exit.code, down.output], [0, "hello\n"]);
    const file = join(folder, "original");
    await writeFile(file, "hel");
    const rest = await command(["follow", "--output", file, url]);
    assert.deepEqual([rest.exit.code, rest.output, await readFile(file, "utf8")], [0, "", "hello\n"]);
  });

  it("can't resume an append, so no resume file is created", async () => {
    const refused = await command(["append", "--resume-file", resume, `${original.url}/b.txt`], { input: "hello\n" });
    assert.equal(refused.exit.code, 1);
    assert.match(refused.output, /^httpfstream append: The server at \S+ can't resume an append\.[^\n]*\n$/);
    assert.ok(!existsSync(resume));
    assert.equal(String(original.stored("/b.txt")), "");
  });
});

describe("append that is interrupted, or runs for long", () => {
  let rig: Rig;

  before(async () => {
    rig = await Rig.start("--limit", "graceMs=3000");
  });
  afterEach(() => heal(rig.proxy));
  after(() => rig.stop());

  it("does not complete the append of half a file", async () => {
    const url = rig.url("half");
    cutOnce(rig.proxy, 3_000_000);
    const interrupted = await start("node", ["append", "-v", url, source]);
    await interrupted.printed(/Trying again/);
    interrupted.child.kill("SIGTERM");
    await interrupted.printed(/The server can't be reached\. Once/);
    heal(rig.proxy);
    assert.deepEqual(await interrupted.end(), { code: 143, signal: null });
    assert.match(
      interrupted.output,
      /\ninterrupted: \d+ bytes of .* were read, but not all\. When [^\n]* followers learn/,
    );
    await until("it to be lost", async () => {
      return (await fetch(url, { method: "HEAD" })).headers.get("Stream-Ended") === "lost";
    });
  });

  it("leaves the append of a pipe open if there is a resume file", async () => {
    const url = rig.url("piped");
    const interrupted = await start("node", ["append", "--resume-file", resume, url]);
    await interrupted.write("one ");
    await until("it to arrive", async () => String(await rig.stored("piped").catch(() => "")) === "one ");
    interrupted.child.kill("SIGINT");
    assert.deepEqual(await interrupted.end(), { code: 130, signal: null });
    assert.ok(existsSync(resume));
  });

  it("does not retain what was acknowledged", async () => {
    const appender = await start("node", ["append", rig.url("long")]);
    const piece = Buffer.alloc(10_000_000);
    for (let sent = 0; sent < 40; sent++) await appender.write(piece);
    await until("it to arrive", async () => (await stat(join(rig.root, "long"))).size === 400_000_000);
    const [, kilobytes] = /^VmRSS:\s*(\d+)/m.exec(await readFile(`/proc/${appender.child.pid}/status`, "utf8")) ?? [];
    assert.ok(Number(kilobytes) < 300_000, `${kilobytes} kB`);
    appender.endInput();
    assert.deepEqual(await appender.end(), { code: 0, signal: null });
  });

  it("waits for its server with --wait, and shows no password", async () => {
    const [host = "", path = ""] =
      rig
        .url("waited")
        .split("//")[1]
        ?.split(/(?=\/)/) ?? [];
    const url = `http://ada:lovelace@${host}${path}`;
    const { target } = rig.proxy;
    rig.proxy.target = undefined;
    const appender = await start("node", ["append", "-v", "--wait", url]);
    await appender.printed(/Trying again/);
    rig.proxy.target = target;
    await appender.write("x");
    appender.endInput();
    assert.deepEqual(await appender.end(), { code: 0, signal: null });
    assert.doesNotMatch(appender.output, /lovelace/);
    const { output } = await command(["follow", "-v", url]);
    assert.doesNotMatch(output, /lovelace/);
  });
});
