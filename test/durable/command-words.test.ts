/** What the commands say with a Durable Streams server. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { command, start } from "../cli/commands.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { Rig, reference } from "./commands.ts";

const runtime = "bun";

describe("the commands with the server of the package", () => {
  let rig: Rig;

  before(async () => {
    rig = await Rig.of(reference);
  });
  after(() => rig.stop());

  it("say what they do, and what can't be done", async () => {
    const url = rig.url("words.txt");
    const appended = await command(["append", "-v", "-H", "Content-Type: text/plain", url], { input: "text", runtime });
    assert.equal(appended.exit.code, 0);
    assert.match(appended.output, /^appending standard input to \S+, over Durable Streams$/m);
    const closing = await command(["append", "--close", url], { input: "", runtime });
    assert.equal(closing.exit.code, 0, closing.output);
    const more = await command(["append", url], { input: "more", runtime });
    assert.deepEqual([more.exit.code, more.output.includes('closed: "/words.txt" is closed')], [1, true], more.output);
    const tail = await command(["follow", "--tail", "2", url], { runtime });
    assert.equal(tail.exit.code, 1);
    assert.match(tail.output, /^httpfstream follow: protocol: The server at \S+ uses Durable Streams, and can't count/);
    const from = await command(["follow", "--position", "2@-1", url], { runtime });
    assert.deepEqual([from.exit.code, from.stdout.bytes().toString()], [0, "xt"]);
    const both = await command(["follow", "--position", "2@-1", "--offset", "2", url], { runtime });
    assert.equal(both.exit.code, 2);
    const none = await command(["follow", rig.url("none")], { runtime });
    assert.match(none.output, /^httpfstream follow: not found: /);
    const resumable = await command(["append", "--resume-file", join(rig.root, "resume"), rig.url("r")], { runtime });
    assert.equal(resumable.exit.code, 1);
    assert.match(resumable.output, /can't resume an append\. Leave out --resume-file\./);
  });

  it("wait with --stay for a stream that does not exist", async () => {
    const url = rig.url("standing.txt");
    const follower = await start(runtime, ["follow", "-v", "--stay", url]);
    await follower.printed(/^waiting for an append to /m);
    assert.equal((await command(["append", "--close", url], { input: "at last", runtime })).exit.code, 0);
    assert.deepEqual(await follower.end(), { code: 0, signal: null }, follower.output);
    assert.equal(follower.stdout.bytes().toString(), "at last");
  });

  it("send the token of a file with each request", async () => {
    const folder = await temporaryFolder("durable-token");
    const seen = new Set<string>();
    rig.proxy.treat = (head) => {
      seen.add(/^authorization: *(.*?)\r$/im.exec(head)?.[1] ?? "none");
      return head;
    };
    const file = join(folder, "token");
    writeFileSync(file, "secret\n", { mode: 0o600 });
    const url = rig.url("token.txt");
    const line = ["append", "--close", "--token-file", file, url];
    assert.equal((await command(line, { input: "text", runtime })).exit.code, 0);
    assert.equal((await command(["follow", "--token-file", file, url], { runtime })).exit.code, 0);
    rig.proxy.treat = (head) => head;
    await removeFolder(folder);
    assert.deepEqual([...seen], ["Bearer secret"]);
  });
});
