/** One signal serves a whole append or follow: finished requests remove their listeners. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { followRedirects } from "../../src/client/connection/redirect.ts";
import { connectWs } from "../../src/client/connection/socket-ws.ts";
import { Redirector } from "./redirects.ts";

/** Requests a WebSocket and follows all redirects, with one signal. */
async function hop(url: string, signal: AbortSignal): Promise<unknown> {
  const request = { url: new URL(url), headers: new Headers(), signal };
  return await followRedirects(request, (next) =>
    connectWs({ ...request, ...next }, { frame: () => {}, closed: () => {} }),
  );
}

describe("the signal of an append or a follow", () => {
  it("keeps no listener of responses that were not a WebSocket", async () => {
    const redirector = await Redirector.start((target) => {
      const at = Number(target.slice(1));
      return at < 8 ? { status: 302, location: `/${at + 1}`, page: "elsewhere" } : { status: 503, page: "busy" };
    });
    const { signal } = new AbortController();
    try {
      for (let attempt = 0; attempt < 2; attempt++) {
        const answer = await hop(`${redirector.url}/1`, signal);
        assert.ok(answer instanceof Response);
        assert.equal(await answer.text(), "busy");
        assert.deepEqual(getEventListeners(signal, "abort"), []);
      }
    } finally {
      await redirector.stop();
    }
  });

  it("still aborts a response that is being read", async () => {
    const redirector = await Redirector.start(() => ({ status: 200, page: "x".repeat(4_000_000) }));
    const controller = new AbortController();
    try {
      const answer = await hop(`${redirector.url}/1`, controller.signal);
      assert.ok(answer instanceof Response);
      const reader = answer.body?.getReader();
      assert.equal((await reader?.read())?.done, false);
      controller.abort();
      await assert.rejects(async () => {
        for (let next = await reader?.read(); next && !next.done; next = await reader?.read());
      });
      assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
    } finally {
      await redirector.stop();
    }
  });
});
