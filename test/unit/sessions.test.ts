/** Sessions that another process asks for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hub } from "../../src/core/hub.ts";
import { resolveLimits } from "../../src/core/limits.ts";
import { Sessions } from "../../src/core/sessions.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { until } from "../fixture/until.ts";

for (const when of ["before it has begun", "later"]) {
  test(`a session that is asked for ${when} is given up, and stays on record`, async () => {
    const store = memoryStore();
    const asked = new AbortController();
    if (when !== "later") asked.abort();
    const claim = store.claim.bind(store);
    store.claim = async (...terms) => Object.defineProperty(await claim(...terms), "wanted", { value: asked.signal });
    const hub = new Hub(store, resolveLimits());
    const sessions = new Sessions(hub, (path, error) => assert.fail(`/${path}: ${error}`));
    const { session } = await sessions.open("a.txt");
    asked.abort();
    await until("it to be given up", () => session.ended && !hub.isTaken("a.txt"));
    assert.equal((await store.sessions.find("a.txt"))?.digest, session.digest);
  });
}
