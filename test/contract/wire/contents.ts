/** Sections 4, 8 and 9 of the wire contract: generations of contents, and how the end of an append is reported. */
import assert from "node:assert/strict";
import type { HttpExchange, HttpResponse } from "../../fixture/http.ts";
import { until } from "../../fixture/until.ts";
import type { Target } from "./target.ts";
import { append, follow, refused } from "./v1.ts";
import { section, type Wire } from "./wire.ts";

const GENERATION = /^[\w-]{8,64}$/;

/** Extracts what a response's headers say about the content. */
function contentOf({ headers }: Pick<HttpResponse, "headers">) {
  return {
    generation: headers.get("stream-generation"),
    appending: headers.get("stream-appending"),
    ended: headers.get("stream-ended"),
  };
}

/** Starts an upload, and waits until its first bytes are stored. */
async function halfOf(wire: Wire, path: string, text: string): Promise<HttpExchange> {
  const upload = await wire.startPut(path);
  await upload.chunk(text);
  await until("the first bytes to be stored", async () => (await wire.get(path)).text.endsWith(text));
  return upload;
}

export function contentSection(target: Target): void {
  section(target, "8 and 9 contents", {
    "reads, HEAD, follows and v1 name the same generation, which appends keep": async (wire) => {
      await wire.put("a.txt", "one ");
      const { generation } = contentOf(await wire.get("a.txt"));
      assert.match(generation ?? "", GENERATION);
      const head = await wire.send({ method: "HEAD", target: wire.at("a.txt") });
      assert.equal(contentOf(head).generation, generation);
      assert.equal(contentOf(await wire.get("a.txt", "verb=FOLLOW")).generation, generation);
      const { peer } = await append(wire, "a.txt");
      assert.equal((await peer.control("start")).generation, generation);
      await peer.send("two");
      await peer.acked(7);
      assert.equal((await (await follow(wire, "a.txt")).control("start")).generation, generation);
      const live = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      assert.equal(contentOf(await live.head).generation, generation);
      await peer.finish();
      const put = await wire.put("a.txt", " three");
      assert.equal(contentOf(put).generation, generation);
      assert.equal(contentOf(await wire.get("a.txt", "", { Range: "bytes=2-3" })).generation, generation);
    },

    "Stream-Appending says whether an append is running, Stream-Ended how it ended": async (wire) => {
      await wire.put("a.txt", "x");
      for (const query of ["", "verb=FOLLOW"]) {
        const { appending, ended } = contentOf(await wire.get("a.txt", query));
        assert.deepEqual([appending, ended], ["?0", "complete"]);
      }
      const appender = await wire.appender("a.txt");
      const during = contentOf(await wire.get("a.txt"));
      assert.deepEqual([during.appending, during.ended], ["?1", null]);
      await appender.finish();
      await wire.idle("a.txt");
      assert.equal(contentOf(await wire.get("a.txt")).ended, "complete");
    },

    "a session that waits for its appender counts as an append": async (wire) => {
      const { peer } = await append(wire, "a.txt");
      await peer.send("x");
      await peer.acked(1);
      peer.peer.connection.drop();
      const { appending, ended } = contentOf(await wire.get("a.txt"));
      assert.deepEqual([appending, ended], ["?1", null]);
    },

    "another generation than the path's is 412 with the one it has; nothing is sent or written": async (wire) => {
      await wire.put("a.txt", "stored");
      const { generation } = contentOf(await wire.get("a.txt"));
      const check = async (response: HttpResponse, what: string): Promise<void> => {
        assert.deepEqual([response.status, response.headers.get("stream-error")], [412, "replaced"], what);
        assert.equal(contentOf(response).generation, generation, what);
        assert.doesNotMatch(response.text, /stored/);
      };
      const all = async (): Promise<void> => {
        for (const query of ["", "offset=2&", "tail=1&", "offset=99&", "verb=FOLLOW&", "verb=FOLLOW&offset=99&"]) {
          await check(await wire.get("a.txt", `${query}generation=other`), query);
        }
        for (const query of ["verb=FOLLOW", "verb=APPEND", "verb=APPEND&offset=6", "verb=APPEND&offset=0"]) {
          await check(await refused(wire, "a.txt", `${query}&generation=other`), `v1 ${query}`);
          await check(await wire.get("a.txt", `${query}&generation=other`), `HTTP ${query}`);
        }
        for (const query of ["verb=APPEND", "verb=APPEND&offset=6"]) {
          const upload = { method: "POST", target: wire.at("a.txt", `${query}&generation=other`), body: "not this" };
          await check(await wire.send(upload), `POST ${query}`);
        }
      };
      await all();
      assert.equal((await wire.get("a.txt")).text, "stored");
      const appender = await wire.appender("a.txt");
      await all();
      await appender.finish();
      await wire.idle("a.txt");
      assert.equal((await wire.get("a.txt", `offset=2&generation=${generation}`)).text, "ored");
      const post = wire.at("a.txt", `verb=APPEND&offset=6&generation=${generation}`);
      assert.equal((await wire.send({ method: "POST", target: post, body: " more" })).status, 200);
      assert.equal((await wire.get("a.txt")).text, "stored more");
    },

    "with a generation, a path that does not exist is 404 to readers and 412 to appenders, and is not made": async (
      wire,
    ) => {
      assert.equal((await wire.get("a.txt", "generation=other")).status, 404);
      assert.equal((await wire.get("a.txt", "verb=FOLLOW&generation=other")).status, 404);
      const append = { method: "POST", target: wire.at("a.txt", "verb=APPEND&generation=other"), body: "x" };
      assert.equal((await wire.send(append)).status, 412);
      assert.equal((await wire.get("a.txt")).status, 404);
    },

    "a resumed session names the generation, and is refused another one": async (wire) => {
      const { peer, session } = await append(wire, "a.txt");
      const { generation } = await peer.control("start");
      await peer.send("x");
      await peer.acked(1);
      peer.peer.connection.drop();
      const other = await refused(wire, "a.txt", `verb=APPEND&session=${session}&generation=other`);
      assert.deepEqual([other.status, other.headers.get("stream-error")], [412, "replaced"]);
      const again = await append(wire, "a.txt", `session=${session}&generation=${generation}`);
      assert.equal((await again.peer.control("start")).generation, generation);
      assert.equal(await again.peer.finish(), 1);
      const ended = await refused(wire, "a.txt", `verb=APPEND&session=${session}&generation=other`);
      assert.equal(ended.status, 410, "an unknown session comes before another generation");
    },

    "a follow over HTTP whose appender is lost is cut, not ended; later ones learn it": async (wire) => {
      const upload = await halfOf(wire, "a.txt", "half of it");
      const follower = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      assert.equal(String(await follower.body.atLeast(10)), "half of it");
      upload.connection.reset();
      await assert.rejects(follower.body.all(), /broke off/);
      assert.equal(String(follower.body.bytes()), "half of it");
      for (const query of ["", "verb=FOLLOW"]) {
        const late = await wire.get("a.txt", query);
        assert.deepEqual([late.status, late.text], [200, "half of it"]);
        assert.deepEqual([contentOf(late).appending, contentOf(late).ended], ["?0", "lost"]);
      }
    },

    "a follow over HTTP that has nothing to send yet is cut all the same": async (wire) => {
      await wire.put("a.txt", "before");
      const upload = await halfOf(wire, "a.txt", " and half");
      const follower = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW&offset=now") });
      // If the head comes with the first byte only, the bytes of another follower show that the append is being
      // followed.
      if (wire.differs("late head")) {
        const other = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
        await other.body.atLeast(15);
      } else {
        await follower.head;
      }
      upload.connection.reset();
      await assert.rejects(follower.body.all());
    },

    "a follow over HTTP of an append that is complete has a proper end": async (wire) => {
      const upload = await halfOf(wire, "a.txt", "all of it");
      const follower = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      await follower.body.atLeast(9);
      await upload.finish();
      assert.equal(String(await follower.body.all()), "all of it");
    },

    "the appender's type is served, the first one stays, and forms give none": async (wire) => {
      const post = async (path: string, type: string): Promise<void> => {
        const headers = { "Content-Type": type };
        const response = await wire.send({ method: "POST", target: wire.at(path, "verb=APPEND"), headers, body: "x" });
        assert.equal(response.status, 200, response.text);
      };
      const typeOf = async (path: string): Promise<string | null> => {
        const { headers } = await wire.get(path);
        assert.equal(headers.get("x-content-type-options"), "nosniff");
        assert.match(headers.get("content-security-policy") ?? "", /sandbox/);
        return headers.get("content-type");
      };
      await post("form.css", "application/x-www-form-urlencoded");
      assert.match((await typeOf("form.css")) ?? "", /^text\/css/);
      await post("form.css", "text/x-diff");
      assert.equal(await typeOf("form.css"), "text/x-diff");
      await post("form.css", "text/html");
      assert.equal(await typeOf("form.css"), "text/x-diff", "another type later is no error, and changes nothing");
      for (const odd of ["nonsense", "text/plain, text/html", `text/${"x".repeat(300)}`]) {
        await post("odd.css", odd);
        assert.match((await typeOf("odd.css")) ?? "", /^text\/css/);
      }
      await post("page.html", 'text/HTML; charset="utf-8"');
      assert.equal(await typeOf("page.html"), 'text/HTML; charset="utf-8"');
    },
  });
}
