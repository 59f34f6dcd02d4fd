/** Reads of a stream that is removed between the look at it and the first of its bytes. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createStreams, fileStore } from "../../src/index.ts";
import type { Store } from "../../src/store/mod.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

describe("a stream of JSON that is removed while it is read", () => {
  for (const query of ["", "?offset=-1", "?offset=-1&live=long-poll", "?offset=2&live=sse"]) {
    it(`is 404, and no failure of the server (${query || "no query"})`, async (t) => {
      const root = await temporaryFolder("removed");
      t.after(() => removeFolder(root));
      const files = fileStore({ root });
      const handle = await files.claim("a");
      await handle.append(Buffer.from("1\n2\n"), { created: true, type: "application/json", producers: {} });
      await handle.release("complete");
      const read: Store["read"] = (...range) => {
        const reader = files.read(...range).getReader();
        return new ReadableStream({
          async pull(controller) {
            await files.remove("a");
            const { value, done } = await reader.read();
            if (done) controller.close();
            else controller.enqueue(value);
          },
        });
      };
      const streams = createStreams({ store: withMembers(files, { read }) });
      const answer = await streams.app.request(`http://localhost/a${query}`, { headers: { Host: "localhost" } });
      assert.equal(answer.status, 404, await answer.text());
      assert.equal(existsSync(join(root, "a")), false);
      await streams.shutdown();
    });
  }
});
