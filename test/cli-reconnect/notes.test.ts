/** The state files of the commands are not trusted by themselves, have no secrets, and can't block the commands. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { append, openAppend } from "../../src/client/mod.ts";
import { command, start } from "../cli/commands.ts";
import { Rig } from "../client-reconnect/rig.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const FIRST = "a line of the log\n".repeat(1_000);
const SECOND = "what came after it\n".repeat(1_000);

let folder: string;
let rig: Rig;

before(async () => {
  folder = await temporaryFolder("notes");
  rig = await Rig.on("bun");
});
after(async () => {
  await rig.stop();
  await removeFolder(folder);
});

/** A path that was followed to a file, and has grown since. */
async function copied(name: string): Promise<{ url: string; copy: string; line: string[] }> {
  const [url, copy] = [rig.url(name), join(folder, name)];
  const line = ["follow", "-o", copy, url];
  await append(url, FIRST);
  assert.equal((await command(line)).exit.code, 0);
  await append(url, SECOND);
  return { url, copy, line };
}

function noteBeside(copy: string): string {
  return join(folder, `.${copy.slice(folder.length + 1)}.httpfstream`);
}

describe("the note of follow --output", () => {
  const foreign: [string, (copy: string) => void][] = [
    ["cut short", (copy) => truncateSync(copy, FIRST.length - 5)],
    ["replaced by one of its length", (copy) => writeFileSync(copy, "x".repeat(FIRST.length))],
    ["edited at its end", (copy) => writeFileSync(copy, `${FIRST.slice(0, -4)}XXX\n`)],
  ];
  for (const [how, change] of foreign) {
    it(`is not trusted about a file that was ${how}; the file stays, and a message says what to do`, async () => {
      const { copy, line } = await copied(how.replaceAll(" ", "-"));
      change(copy);
      const before = readFileSync(copy);
      const { exit, output } = await command(line);
      assert.equal(exit.code, 1, output);
      assert.match(output, /^httpfstream follow: changed: \S+ is not as the last run left it: [^\n]*remove [^\n]*\n$/);
      assert.ok(readFileSync(copy).equals(before));
    });
  }

  it("does not cover bytes that were added after those that it records", async () => {
    const { copy, line } = await copied("added");
    appendFileSync(copy, "my own remark\n");
    const { exit, output } = await command(line);
    assert.equal(exit.code, 1, output);
    assert.match(output, /replaced: .*has the beginning of other content/);
    assert.equal(readFileSync(copy, "utf8"), `${FIRST}my own remark\n`);
  });

  it("lets a file continue that has more than it records, as after a kill, if the server has the same", async () => {
    const { copy, line } = await copied("killed");
    appendFileSync(copy, SECOND.slice(0, 7_000));
    assert.deepEqual([(await command(line)).exit.code, readFileSync(copy, "utf8")], [0, FIRST + SECOND]);
  });

  it("records every byte after Ctrl-C, so that the same command continues", async () => {
    const [url, copy] = [rig.url("interrupted"), join(folder, "interrupted")];
    const writer = (await openAppend(url)).getWriter();
    await writer.write(FIRST);
    const following = await start("bun", ["follow", "-o", copy, url]);
    await until("the bytes", () => existsSync(copy) && statSync(copy).size === FIRST.length);
    assert.equal((await following.stop("SIGINT")).code, 130);
    const note = JSON.parse(readFileSync(noteBeside(copy), "utf8")) as { size: number };
    assert.equal(note.size, FIRST.length);
    await writer.write(SECOND);
    await writer.close();
    assert.equal((await command(["follow", "-o", copy, url])).exit.code, 0);
    assert.equal(readFileSync(copy, "utf8"), FIRST + SECOND);
  });

  it("is readable by its owner alone, and has neither the query nor the password of the URL", async () => {
    const { copy, url } = await copied("secret");
    const withSecrets = `${url.replace("//", "//me:passw0rd@")}?access_token=t0ken`;
    const again = await command(["follow", "-o", copy, withSecrets]);
    assert.equal(again.exit.code, 0, again.output);
    const note = noteBeside(copy);
    assert.equal(statSync(note).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(note, "utf8"), /t0ken|passw0rd|\?/);
    // Another token is still the same resource.
    await append(url, FIRST);
    const other = await command(["follow", "-o", copy, `${url}?access_token=another`]);
    assert.deepEqual([other.exit.code, readFileSync(copy, "utf8")], [0, FIRST + SECOND + FIRST]);
  });
});

describe("a file that is not a regular file", () => {
  it("in place of the note or the resume file is refused at once, and stays", async () => {
    const { copy, url, line } = await copied("piped");
    const pipes = [noteBeside(copy), join(folder, "resume-pipe")];
    execFileSync("rm", [pipes[0] as string]);
    for (const pipe of pipes) execFileSync("mkfifo", [pipe]);
    for (const args of [
      line,
      ["append", "--resume-file", pipes[1] as string, url],
      ["append", "--resume-file", "/dev/zero", url],
    ]) {
      const { exit, output } = await command(args);
      assert.equal(exit.code, 1, output);
      assert.match(output, /^httpfstream \w+: [^\n]*it is not a regular file[^\n]*\n$/);
    }
    const fresh = await command(["follow", "-o", copy, url]);
    assert.equal(fresh.exit.code, 1);
    for (const pipe of pipes) assert.ok(statSync(pipe).isFIFO());
  });
});

describe("the name of a file", () => {
  const cases: [string[], number, RegExp][] = [
    [["follow", "-o", "", "http://127.0.0.1:1/a"], 2, /--output <file>' argument '' is invalid. It is empty; it must/],
    [["append", "http://127.0.0.1:1/a", ""], 2, /'file'\. It is empty; it must be the name of a file/],
    [["append", "--resume-file", "", "http://127.0.0.1:1/a"], 2, /It is empty; it must be the name of a file/],
    [
      ["follow", "-o", "/no/such/x", "http://127.0.0.1:1/a"],
      1,
      /Can't write to \/no\/such\/x: the folder \/no\/such does not exist\./,
    ],
    [["follow", "-o", "/tmp", "http://127.0.0.1:1/a"], 1, /Can't write to \/tmp: it is a folder\./],
    [["append", "--resume-file", "/no/such/x", "http://127.0.0.1:1/a"], 1, /the folder \/no\/such does not exist\./],
  ];
  for (const [args, code, pattern] of cases) {
    it(`${args.map((arg) => arg || "''").join(" ")} is refused before anything is sent, with the reason`, async () => {
      const { exit, output } = await command(args);
      assert.equal(exit.code, code, output);
      assert.match(output, pattern);
    });
  }
});
