/**
 * A request learns no more of a path than its permission allows: unless it may read the file, every answer below a file
 * is the same as where there is nothing, or a folder with other content.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { anonymous } from "../../src/auth/mod.ts";
import { createStreams, memoryStore, type Streams } from "../../src/index.ts";
import { ACTIONS, type Authorize } from "../../src/server/gate/gate.ts";
import { settings } from "./settings.ts";

/** What is at `f`. */
const CONTENTS: Readonly<Record<string, string | undefined>> = { nothing: undefined, file: "f", folder: "f/other" };

let gate: Authorize;
let worlds: Streams[];

before(async () => {
  worlds = await Promise.all(
    Object.values(CONTENTS).map(async (path) => {
      const streams = createStreams({ store: memoryStore(), deletes: "all", authorize: (request) => gate(request) });
      const writer = path === undefined ? undefined : (await streams.openAppend(path)).getWriter();
      await writer?.write("bytes");
      await writer?.close();
      return streams;
    }),
  );
});

after(() => Promise.all(worlds.map((streams) => streams.shutdown())));

const below = fc
  .array(fc.constantFrom("x", "y", "a b"), { minLength: 1, maxLength: 3 })
  .map((segments) => `f/${segments.join("/")}`);

const request = fc.record({
  method: fc.constantFrom("GET", "HEAD", "DELETE"),
  path: below,
  slash: fc.boolean(),
  query: fc.constantFrom("", "?verb=FOLLOW", "?offset=0", "?limit=1"),
  accept: fc.constantFrom("*/*", "application/json", "text/html"),
  // Everything but appending, which can't succeed below a file, and so tells that there is one.
  actions: fc.subarray(ACTIONS.filter((action) => action !== "append")),
});

test("below a file that it may not read, a request gets the answer of a path that does not exist", async () => {
  const property = fc.asyncProperty(request, async ({ method, path, slash, query, accept, actions }) => {
    gate = anonymous(Object.fromEntries(actions.map((action) => [action, [`/${path}`]])));
    const answers = await Promise.all(
      worlds.map(async ({ app }) => {
        const url = `http://localhost/${encodeURI(path)}${slash ? "/" : ""}${query}`;
        const response = await app.request(url, { method, headers: { Accept: accept, "X-Request-Id": "1" } });
        const headers = [...response.headers].sort();
        return JSON.stringify([response.status, headers, await response.text()]);
      }),
    );
    assert.equal(new Set(answers).size, 1, answers.join("\n"));
  });
  await fc.assert(property, settings(500));
});

test("a request that may read the file learns that it is in the way", async () => {
  gate = anonymous({ read: ["/**"], list: ["/**"], delete: ["/**"] });
  const [, file] = worlds;
  for (const [method, target] of [
    ["GET", "/f/x/"],
    ["GET", "/f/x?verb=FOLLOW"],
    ["DELETE", "/f/x"],
  ] as const) {
    assert.equal((await file?.app.request(`http://localhost${target}`, { method }))?.status, 409, target);
  }
});
