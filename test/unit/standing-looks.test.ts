/** Standing followers of a store that several servers share, and which can't be watched. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createStreams } from "../../src/index.ts";
import { SharedStore } from "../fixture/shared-store.ts";
import { within } from "../fixture/until.ts";

it("a standing follower sees what another server appends to a store that lacks watch", async () => {
  const store = new SharedStore();
  const [here, there] = [createStreams({ store }), createStreams({ store })];
  const decoder = new TextDecoder();
  const reader = here.follow("a.txt", { stay: true }).getReader();
  try {
    for (const text of ["one", "two"]) {
      const next = within(reader.read(), `what is appended elsewhere: ${text}`);
      await there.append("a.txt", text);
      assert.equal(decoder.decode((await next).value), text);
    }
    const ended = reader.closed;
    await there.remove("a.txt");
    assert.equal((await within(reader.read(), "the removal elsewhere")).done, true);
    await ended;
  } finally {
    await reader.cancel();
    await Promise.all([here.shutdown(), there.shutdown()]);
  }
});
