/** Section 1 of the wire contract: how a request chooses its verb. */
import assert from "node:assert/strict";
import { requestHead } from "../../fixture/http.ts";
import { OFFER } from "../../fixture/v1.ts";
import type { WebSocketPeer } from "../../fixture/websocket.ts";
import type { Target } from "./target.ts";
import { expectEnd, section, type Wire } from "./wire.ts";

export function verbSection(target: Target): void {
  section(target, "1 choosing the verb", {
    "the query parameter selects the verb": async (wire) => {
      const appender = await wire.appender("a.txt");
      await appender.send("hello");
      await (await wire.follower("a.txt")).received.atLeast(5);
    },

    "the X-Verb header selects the verb without a query": async (wire) => {
      const target = wire.at("a.txt");
      const appender = await headerAppender(wire, target);
      const follower = await wire.follower("a.txt", { target, headers: { "X-Verb": "FOLLOW" } });
      await appender.send("hello");
      await appender.finish();
      await expectEnd(follower, "hello");
    },

    "the X-Verb header overrides the query": async (wire) => {
      const appender = await headerAppender(wire, wire.at("a.txt", "verb=FOLLOW"));
      const follower = await wire.follower("a.txt", {
        target: wire.at("a.txt", "verb=APPEND"),
        headers: { "X-Verb": "FOLLOW" },
      });
      await appender.send("hello");
      await follower.received.atLeast(5);
    },

    "the X-Verb header overrides the query over plain HTTP too": async (wire) => {
      await wire.put("a.txt", "before");
      const read = await wire.get("a.txt", "verb=APPEND", { "X-Verb": "FOLLOW" });
      assert.deepEqual([read.status, read.text], [200, "before"]);
      const post = await wire.send({
        method: "POST",
        target: wire.at("a.txt", "verb=FOLLOW"),
        headers: { "X-Verb": "APPEND" },
        body: ", after",
      });
      assert.equal(post.status, 200, post.text);
      assert.equal((await wire.get("a.txt")).text, "before, after");
    },

    "with an empty X-Verb header the query decides": async (wire) => {
      const appender = await wire.appender("a.txt", { headers: { "X-Verb": "" } });
      const follower = await wire.follower("a.txt", { headers: { "X-Verb": "" } });
      await appender.send("hello");
      await follower.received.atLeast(5);
    },

    "the verb may be in any case, in the query and in the header": async (wire) => {
      const appender = await wire.appender("a.txt", { target: wire.at("a.txt", "verb=append") });
      const headers = { "X-Verb": "Follow" };
      const follower = await wire.follower("a.txt", { target: wire.at("a.txt"), headers });
      const body = await wire.start({ target: wire.at("a.txt", "verb=fOLLOW") });
      await appender.send("hello");
      await follower.received.atLeast(5);
      await body.body.atLeast(5);
      await appender.finish();
      await expectEnd(follower, "hello");
      const post = await wire.send({ method: "PUT", target: wire.at("a.txt", "verb=%41ppend"), body: "!" });
      assert.equal(post.status, 200, post.text);
      assert.equal((await wire.get("a.txt")).text, "hello!");
    },

    "any other verb gets 400 that names the two, over every transport, and changes nothing": async (wire) => {
      await wire.put("a.txt", "stored");
      for (const verb of ["READ", "DELETE", "APPENDED", "APPEND,FOLLOW", "0", "none"]) {
        for (const [query, headers] of [
          [`verb=${verb}`, {}],
          ["verb=FOLLOW", { "X-Verb": verb }],
        ] as [string, Record<string, string>][]) {
          const target = wire.at("a.txt", query);
          const answers = [
            await wire.send({ target, headers }),
            await wire.send({ method: "POST", target, headers, body: "x" }),
            await (await wire.upgrade({ target, headers })).response(),
          ];
          for (const { status, text } of answers) {
            assert.equal(status, 400, `${query} ${JSON.stringify(headers)}: ${text}`);
            assert.match(text, /APPEND.*FOLLOW/);
          }
        }
      }
      assert.equal((await wire.get("a.txt")).text, "stored");
    },

    "an empty verb counts as none": async (wire) => {
      await wire.put("a.txt", "stored");
      for (const query of ["verb=", "verb"]) assert.equal((await wire.get("a.txt", query)).text, "stored");
    },

    "an upgrade without a verb follows": async (wire) => {
      const appender = await wire.appender("a.txt");
      const opening = ["", "verb="].map((query) => wire.follower("a.txt", { target: wire.at("a.txt", query) }));
      const followers = await Promise.all(opening);
      await appender.send("hello");
      await appender.finish();
      for (const follower of followers) await expectEnd(follower, "hello");
    },

    "an unknown method gets 405 with Allow, and changes nothing": async (wire) => {
      await wire.put("a.txt", "stored");
      for (const method of ["PATCH", "LINK"]) {
        for (const query of ["", "verb=APPEND", "verb=FOLLOW"]) {
          const response = await wire.send({ method, target: wire.at("a.txt", query), body: "x" });
          assert.equal(response.status, 405, `${method} ?${query}: ${response.text}`);
          assert.match(response.headers.get("allow") ?? "", /\bGET\b/, `Allow of ${method} ?${query}`);
        }
      }
      assert.equal((await wire.get("a.txt")).text, "stored");
    },

    "a method in lower case gets 400 or no response": async (wire) => {
      for (const method of ["post", "Put", "get"]) {
        const connection = await wire.connect();
        const head = requestHead(wire.target.url, { method, target: wire.at("a.txt", "verb=APPEND"), body: "x" });
        await connection.write(`${head}x`);
        const answer = await connection.readThrough("\r\n").then(String, () => "");
        assert.match(answer, /^(HTTP\/1\.1 400 |$)/, method);
      }
      assert.equal((await wire.get("a.txt")).status, 404);
    },

    "a body with the verb FOLLOW gets 405 with Allow, and no file is created": async (wire) => {
      for (const method of ["POST", "PUT"]) {
        const response = await wire.send({ method, target: wire.at("a.txt", "verb=FOLLOW"), body: "x" });
        assert.equal(response.status, 405, `${method}: ${response.text}`);
        assert.match(response.headers.get("allow") ?? "", /\bGET\b/, `Allow of ${method}`);
      }
      assert.equal((await wire.get("a.txt")).status, 404);
    },

    "a body without a verb is appended by POST only to what exists, and PUT creates a path": async (wire) => {
      const headers = { "Content-Type": "text/plain" };
      const send = (method: string, body: string) => wire.send({ method, target: wire.at("a.txt"), headers, body });
      const first = await send("PUT", "one");
      // A server without Durable Streams.
      if (first.status === 405) return assert.equal((await send("POST", "two")).status, 405);
      assert.equal(first.status, 201, first.text);
      assert.equal((await send("POST", ", two")).status, 204);
      assert.equal((await send("PUT", "three")).status, 200);
      assert.equal((await wire.get("a.txt")).text, "one, two");
      const missing = await wire.send({ method: "POST", target: wire.at("b.txt"), headers, body: "x" });
      assert.equal(missing.status, 404);
    },
  });
}

/**
 * Opens an appender that chooses its verb by the header, as the Go program does. If the server can't keep its text
 * frames, expects that it is refused before the upgrade and creates nothing; then opens one that uses the query.
 */
async function headerAppender(wire: Wire, target: string): Promise<WebSocketPeer> {
  const headers = { "X-Verb": "APPEND" };
  if (!wire.differs("raw text frames")) return await wire.appender("a.txt", { target, headers });
  const refusal = await (await wire.upgrade({ target, headers })).response();
  assert.deepEqual([refusal.status, refusal.headers.get("upgrade")], [426, "websocket"], refusal.text);
  assert.match(refusal.text, /httpfstream\.v1.* HTTP /);
  assert.equal((await wire.get("a.txt")).status, 404);
  const v1 = await wire.upgrade({ target: wire.at("b.txt"), headers: { ...headers, ...OFFER } });
  await v1.opened();
  return await wire.appender("a.txt");
}
