/**
 * What becomes of a connection that outlives its token, on every transport.
 * @module
 */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { inSeconds } from "../../auth/tokens.ts";
import { HttpExchange } from "../../fixture/http.ts";
import { OFFER, V1Peer } from "../../fixture/v1.ts";
import { WebSocketPeer } from "../../fixture/websocket.ts";
import { Stage } from "./stage.ts";
import { type GateTarget, signed } from "./target.ts";

const ALL = { read: ["/**"], append: ["/**"], list: ["/**"], delete: ["/**"] };

export function expirySection(target: GateTarget): void {
  const { url } = target;

  describe("a token that expires", { concurrency: true }, () => {
    let stage: Stage;

    /** Headers with a token that ends within the leeway of 5 s. */
    const brief = async (): Promise<Record<string, string>> => {
      return { Authorization: `Bearer ${await signed({ httpfstream: ALL, exp: inSeconds(0) })}` };
    };

    before(async () => {
      stage = await Stage.set(target);
      await stage.append("live.txt");
    });

    for (const query of ["verb=FOLLOW", "verb=FOLLOW&stay=1"]) {
      it(`ends a v1 connection with 4003: ${query}`, async () => {
        const follower = await V1Peer.open(url, { target: stage.at("live.txt", query), headers: await brief() });
        assert.equal((await follower.closed()).code, 4003);
      });

      it(`cuts a body: ${query}`, async () => {
        const follow = await HttpExchange.start(url, { target: stage.at("live.txt", query), headers: await brief() });
        assert.equal((await follow.head).status, 200);
        await assert.rejects(follow.body.all(), /broke off/);
      });
    }

    it("ends a classic follow with 4003", async () => {
      const peer = await WebSocketPeer.open(url, {
        target: stage.at("live.txt", "verb=FOLLOW"),
        headers: await brief(),
      });
      assert.equal((await (await peer.opened()).end()).code, 4003);
    });

    it("ends a classic append with 4003, and what arrived stays", async () => {
      const options = {
        target: stage.at("classic.txt", "verb=APPEND"),
        headers: await brief(),
        kind: "binary",
      } as const;
      const peer = await (await WebSocketPeer.open(url, options)).opened();
      await peer.send("stays");
      assert.equal((await peer.end()).code, 4003);
      assert.equal(await stored("classic.txt"), "stays");
    });

    it("ends a v1 append with 4003, and a new token resumes its session at the same byte", async () => {
      const path = "v1.txt";
      const first = await V1Peer.open(url, { target: stage.at(path, "verb=APPEND"), headers: await brief() });
      const { session } = await first.control("start");
      await first.send("one ");
      await first.acked(4);
      assert.equal((await first.closed()).code, 4003);
      const resume = stage.at(path, `verb=APPEND&session=${session}`);
      const without = await WebSocketPeer.open(url, { target: resume, headers: OFFER });
      assert.equal((await without.head).status, 401);
      const again = await V1Peer.open(url, { target: resume, headers: await lasting() });
      assert.equal((await again.control("start")).offset, 4);
      await again.send("two");
      assert.equal(await again.finish(), 7);
      assert.equal(await stored(path), "one two");
    });

    it("ends an append of a body with 401, and what arrived stays", async () => {
      const headers = { ...(await brief()), "Transfer-Encoding": "chunked" };
      const target = stage.at("body.txt", "verb=APPEND");
      const append = await HttpExchange.start(url, { method: "POST", target, headers });
      await append.chunk("stays");
      const { status, headers: answered } = await append.head;
      append.connection.drop();
      assert.deepEqual([status, answered.get("Stream-Next-Offset")], [401, "0000000000000005"]);
      assert.match(answered.get("WWW-Authenticate") ?? "", /error="invalid_token"/);
      assert.equal(await stored("body.txt"), "stays");
    });

    async function lasting(): Promise<Record<string, string>> {
      return { Authorization: `Bearer ${await signed({ httpfstream: ALL })}` };
    }

    async function stored(path: string): Promise<string> {
      const { Authorization = "" } = await lasting();
      const response = await fetch(new URL(stage.at(path), url), { headers: { Authorization } });
      return await response.text();
    }
  });
}
