/**
 * Redirects of appends and follows, over WebSockets and HTTP, on every runtime. Credentials are sent to their own
 * origin only.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { followRedirects, withOurs } from "../../src/client/connection/redirect.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { command, start } from "../cli/commands.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { Redirector, type RequestSpec } from "./redirects.ts";

const STATUSES = [301, 302, 303, 307, 308];

for (const runtime of RUNTIMES) {
  describe(`a redirect, on ${runtime}`, () => {
    let server: TestServer;
    let redirector: Redirector;

    before(async () => {
      server = await startStandalone("bun");
      redirector = await Redirector.start((target) => {
        const { pathname, search } = new URL(target, "http://x");
        const [, kind = "", status = "302"] = /^\/([a-z]+)-?(\d+)?$/.exec(pathname) ?? [];
        switch (kind) {
          case "to":
            // Like a server that has moved a path: without the query.
            return { status: Number(status), location: `${server.url}/moved-${status}.txt` };
          case "relative":
            return { status: 308, location: `/live${search}` };
          case "live":
            return { status: 307, location: `${server.url}/live.txt` };
          case "circle":
            return { status: 302, location: "circle" };
          case "endless":
            return { status: 302, location: `/endless-${Number(status) + 1}` };
          case "login":
            return { status: 302, location: "/page" };
          case "page":
            return { status: 200, page: "<form>who are you?</form>" };
          case "elsewhere":
            return { status: 302, location: "ftp://example.com/a" };
          case "bare":
            return { status: 300 };
          default:
            return { status: 404 };
        }
      });
    });
    after(async () => {
      await redirector.stop();
      await expectCleanStop(server);
    });

    it("is followed by append and by follow, whatever its status", async () => {
      // Runtimes may handle redirects themselves, so each gets one status; one runtime gets all of them.
      for (const status of runtime === "bun" ? STATUSES : [302]) {
        const url = `${redirector.url}/to-${status}`;
        const up = await command(["append", url], { runtime, input: `by ${status}\n` });
        assert.deepEqual([up.exit.code, up.output], [0, ""]);
        assert.equal(await readFile(join(server.root, `moved-${status}.txt`), "utf8"), `by ${status}\n`);
        for (const transport of runtime === "node" ? ["http"] : ["websocket", "http"]) {
          const down = await command(["follow", "--transport", transport, "--offset", "3", url], { runtime });
          assert.deepEqual([down.exit.code, down.output], [0, `${status}\n`], transport);
        }
      }
    });

    it("is followed to a live append, even if its location is relative or lacks the verb", async () => {
      const url = `${redirector.url}/relative`;
      const appender = await start(runtime, ["append", `${redirector.url}/live`]);
      await appender.write("live\n");
      await server.program.printed(/append begins: \/live\.txt/);
      const follower = await start(runtime, ["follow", "-v", "--tail", "0", url]);
      await follower.printed(/\nfollowing http/);
      await appender.write("seen\n");
      await follower.stdout.atLeast(5);
      appender.endInput();
      assert.equal((await appender.end()).code, 0, appender.output);
      assert.equal((await follower.end()).code, 0, follower.output);
      assert.match(String(follower.stdout.bytes()), /seen\n$/);
      assert.doesNotMatch(String(follower.stderr.bytes()), /over plain HTTP/);
    });

    it("passes no header and no password to another origin", async () => {
      const others: RequestSpec[] = [];
      const other = await Redirector.start(() => ({ status: 404 }));
      const sender = await Redirector.start((target) => ({
        status: 307,
        location: target.startsWith("/near") ? "/far" : `${other.url}/there`,
      }));
      const url = `${sender.url.replace("//", "//me:secret@")}/near?access_token=T`;
      for (const args of [
        ["append", url],
        ["follow", "-H", "X-Api-Key: K", url],
        ["follow", "-H", "X-Api-Key: K", "--transport", "http", url],
      ]) {
        const refused = await command(args, { runtime });
        assert.equal(refused.exit.code, 1, refused.output);
      }
      assert.ok(sender.asked.some(({ target }) => target.startsWith("/far?")));
      for (const { headers, target } of sender.asked.filter(({ target }) => target.includes("verb="))) {
        assert.equal(headers.authorization, `Basic ${btoa("me:secret")}`);
        assert.equal(new URL(target, "http://x").searchParams.get("access_token"), "T");
      }
      others.push(...other.asked);
      assert.ok(others.some(({ target }) => /^\/there\?verb=APPEND$/.test(target)));
      assert.ok(others.some(({ target }) => /^\/there\?verb=FOLLOW/.test(target)));
      for (const { headers, target } of others) {
        assert.equal(headers.authorization, undefined);
        assert.equal(headers["x-api-key"], undefined);
        assert.doesNotMatch(target, /secret|access_token/);
      }
      await Promise.all([sender.stop(), other.stop()]);
    });

    it("that can't be followed is refused with its location", async () => {
      const cases: [string, RegExp][] = [
        ["circle", /redirects http:\S+\/circle in a circle, back to http:\S+\/circle\?verb=/],
        ["endless-1", /redirects http:\S+\/endless-1 more than 10 times, at last to http:\S+\/endless-12\?/],
        ["login", /redirects to http:\S+\/page\?verb=\S+, which is a web page/],
        ["elsewhere", /redirects to "ftp:\/\/example\.com\/a"/],
      ];
      for (const [path, pattern] of runtime === "bun" ? cases : cases.slice(0, 1)) {
        for (const args of [["append"], ["follow"], ["follow", "--transport", "http"]]) {
          // For an appender, a page is an ordinary refusal of the upgrade.
          if (path === "login" && args[0] === "append") continue;
          const refused = await command([...args, `${redirector.url}/${path}`], { runtime });
          assert.equal(refused.exit.code, 1, refused.output);
          assert.match(String(refused.stderr.bytes()), pattern, args.join(" "));
          assert.equal(refused.stdout.length, 0);
        }
      }
    });
  });
}

describe("the rules for redirects", () => {
  const redirected = (place: string): Response => new Response(null, { status: 302, headers: { Location: place } });

  it("never lead from https to http", async () => {
    const asked: string[] = [];
    const first = { url: new URL("https://h/a?verb=FOLLOW"), headers: new Headers() };
    for (const place of ["http://h/a", "ws://h/a", "http://other/a"]) {
      await assert.rejects(
        followRedirects<never>(first, async ({ url }) => {
          asked.push(url.protocol);
          return redirected(place);
        }),
        (error) => error instanceof StreamError && error.code === "protocol" && /not encrypted/.test(error.message),
      );
    }
    assert.deepEqual(asked, ["https:", "https:", "https:"]);
  });

  it("lead from http to https, without the headers for the first origin", async () => {
    const seen: [string, string | null][] = [];
    const first = { url: new URL("http://h/a?verb=FOLLOW"), headers: new Headers({ Authorization: "x" }) };
    await followRedirects<never>(first, async ({ url, headers }) => {
      seen.push([url.href, headers.get("Authorization")]);
      return url.protocol === "http:" ? redirected("wss://u:p@h/a#f") : new Response("");
    });
    assert.deepEqual(seen, [
      ["http://h/a?verb=FOLLOW", "x"],
      ["https://h/a?verb=FOLLOW", null],
    ]);
  });

  it("keep the query of a location, except for the client's own parameters", () => {
    const from = new URL("http://h/a?verb=APPEND&session=S%2B1&x=1");
    const signed = "http://h/b?sig=a%20b+c&e";
    assert.equal(withOurs(new URL(signed), from).href, `${signed}&verb=APPEND&session=S%2B1`);
    assert.equal(
      withOurs(new URL("http://h/b?verb=APPEND&session=S%2B1"), from).href,
      "http://h/b?verb=APPEND&session=S%2B1",
    );
    assert.equal(withOurs(new URL("http://h/b?verb=FOLLOW"), from).searchParams.get("verb"), "APPEND");
  });
});
