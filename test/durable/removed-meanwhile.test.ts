/** Reads of content that is removed or replaced between the look at it and the first of its bytes. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startScript, type TestServer } from "../fixture/servers.ts";

/** What is read, and how. A follow of a path with an appender, and events of bytes, begin before the first byte. */
const KINDS = {
  text: { content: "0123456789", reads: ["", "?offset=-1", "?offset=-1&live=long-poll", "?verb=FOLLOW"] },
  // More than what is read in advance.
  large: { content: "0123456789abcde\n".repeat(8_192), reads: ["", "?offset=-1&live=long-poll", "?verb=FOLLOW"] },
  JSON: { content: '["0123456789"]', reads: ["", "?offset=-1", "?offset=-1&live=long-poll", "?offset=0&live=sse"] },
};

for (const runtime of RUNTIMES) {
  // On Bun, `serve()` of `httpfstream/node` is not used.
  for (const args of runtime === "bun" ? [[]] : [[], ["serve"]]) {
    describe(`content that changes while its read begins (${[runtime, ...args].join(", ")})`, () => {
      let server: TestServer;
      let paths = 0;

      before(async () => {
        server = await startScript(runtime, "vanishing-server.ts", { args });
      });

      after(() => expectCleanStop(server));

      async function create(fate: "gone" | "new", kind: keyof typeof KINDS): Promise<string> {
        const path = `${fate}-${++paths}`;
        const { content: body } = KINDS[kind];
        if (kind !== "JSON") await writeFile(join(server.root, path), body);
        else
          await fetch(`${server.url}/${path}`, {
            method: "PUT",
            headers: { "Content-Type": "application/json" },
            body,
          });
        assert.ok(existsSync(join(server.root, path)));
        return path;
      }

      for (const kind of ["text", "large", "JSON"] as const) {
        for (const query of KINDS[kind].reads) {
          it(`is 404 if it was removed (${kind}, ${query || "no query"})`, async () => {
            const path = await create("gone", kind);
            assert.equal((await fetch(`${server.url}/${path}${query}`)).status, 404);
            assert.equal(existsSync(join(server.root, path)), false);
          });
        }
      }

      it("is read anew if it was replaced", async () => {
        for (const query of KINDS.text.reads) {
          const path = await create("new", "text");
          const answer = await fetch(`${server.url}/${path}${query}`);
          assert.deepEqual([query, answer.status, await answer.text()], [query, 200, "new content"]);
        }
      });

      it("is 412 if it was replaced, and the request has named its generation", async () => {
        const path = await create("new", "text");
        const head = await fetch(`${server.url}/${path}`, { method: "HEAD" });
        const generation = head.headers.get("Stream-Generation");
        const answer = await fetch(`${server.url}/${path}?generation=${generation}&offset=2`);
        assert.deepEqual([answer.status, answer.headers.get("Stream-Error")], [412, "replaced"]);
      });
    });
  }
}
