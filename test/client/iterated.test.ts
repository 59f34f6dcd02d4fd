/** A follow is async iterable, even on platforms whose streams are not. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { append, follow } from "../../src/client/mod.ts";
import { startStandalone } from "../fixture/servers.ts";
import { removeFolder } from "../fixture/temp.ts";

const native = Object.getOwnPropertyDescriptor(ReadableStream.prototype, Symbol.asyncIterator);

describe("a follow", async () => {
  const server = await startStandalone("node");
  after(async () => {
    await server.stop();
    await removeFolder(server.root);
  });
  await append(`${server.url}/a.txt`, "text");

  for (const [where, prepare] of Object.entries({
    "where streams can be iterated": () => {},
    "where they can't": () => {
      Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, { value: undefined, configurable: true });
    },
  })) {
    const using = async (run: () => Promise<void>): Promise<void> => {
      prepare();
      try {
        await run();
      } finally {
        if (native) Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, native);
      }
    };

    it(`is iterated to its end, ${where}`, () =>
      using(async () => {
        const stream = follow(`${server.url}/a.txt`);
        let text = "";
        for await (const bytes of stream) text += Buffer.from(bytes).toString();
        assert.equal(text, "text");
        assert.equal((await stream.ended).reason, "complete");
      }));

    it(`is cancelled when the loop exits early, ${where}`, () =>
      using(async () => {
        const stream = follow(`${server.url}/a.txt`);
        for await (const _ of stream) break;
        await assert.rejects(stream.ended, { code: "aborted" });
        assert.equal(stream.locked, false);
      }));

    it(`throws the reason of its failure, ${where}`, () =>
      using(async () => {
        await assert.rejects(
          async () => {
            for await (const _ of follow(`${server.url}/none.txt`)) assert.fail("a piece came");
          },
          { code: "not_found" },
        );
      }));
  }
});
