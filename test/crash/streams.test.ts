/** A server that is killed while clients write to streams: what it has answered holds, and a request is whole or not there. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { CLOSED, JSON_TYPE, StreamServer, TEXT } from "../durable/streams.ts";
import { until } from "../fixture/until.ts";

const PATH = "a/stream.txt";

function crashTest(what: string, run: (server: StreamServer) => Promise<void>): void {
  test(what, { timeout: 60_000 }, async () => {
    const server = await StreamServer.start();
    try {
      await run(server);
    } finally {
      await server.remove();
    }
  });
}

/**
 * A stream with two appends of a producer, `one` and `two`. Returns what restores the records of before the second: the server
 * notes from time to time how long the file is, and no crash takes back what was noted.
 */
async function twoAppends(server: StreamServer): Promise<() => void> {
  await server.expect(201, "PUT", PATH, TEXT);
  await server.produce(200, PATH, ["p", 3, 0], "one");
  const restore = server.keepRecords();
  await server.produce(200, PATH, ["p", 3, 1], "two");
  return restore;
}

/** Kills the server, and takes back what it has written of the second append behind a number of bytes. */
async function crashDuringSecond(server: StreamServer, left: number): Promise<void> {
  const restore = await twoAppends(server);
  await server.crash(() => {
    restore();
    truncateSync(server.file(PATH), left);
  });
}

describe("streams after kill -9", { concurrency: 2 }, () => {
  crashTest("a producer that repeats what was stored gets 204, and it is there once", async (server) => {
    await twoAppends(server);
    await server.crash();
    const repeated = await server.produce(204, PATH, ["p", 3, 1], "two");
    assert.equal(repeated.headers.get("producer-seq"), "1");
    await server.produce(409, PATH, ["p", 3, 3], "four");
    await server.produce(200, PATH, ["p", 3, 2], "three");
    assert.equal((await server.get(PATH)).text, "onetwothree");
    assert.equal(server.stored(PATH), "onetwothree");
  });

  crashTest("a producer with an older epoch is refused", async (server) => {
    await twoAppends(server);
    await server.produce(200, PATH, ["p", 4, 0], "new");
    await server.crash();
    const zombie = await server.produce(403, PATH, ["p", 3, 2], "old");
    assert.equal(zombie.headers.get("producer-epoch"), "4");
  });

  crashTest("the last Stream-Seq holds", async (server) => {
    await server.expect(201, "PUT", PATH, TEXT);
    await server.expect(204, "POST", PATH, { ...TEXT, "Stream-Seq": "b" }, "x");
    await server.crash();
    await server.expect(409, "POST", PATH, { ...TEXT, "Stream-Seq": "a" }, "y");
    await server.expect(204, "POST", PATH, { ...TEXT, "Stream-Seq": "c" }, "z");
  });

  for (const [what, left] of [
    ["nothing", 3],
    ["a part", 4],
  ] as const) {
    crashTest(`an append of which ${what} was written is not there, and can be repeated`, async (server) => {
      await crashDuringSecond(server, left);
      const seen = await server.get(PATH);
      assert.equal(seen.text, "one");
      assert.equal(seen.headers.get("stream-next-offset"), "0000000000000003");
      await server.produce(200, PATH, ["p", 3, 1], "two");
      assert.equal(server.stored(PATH), "onetwo");
    });

    crashTest(`a raw append continues behind an append of which ${what} was written`, async (server) => {
      await crashDuringSecond(server, left);
      await server.expect(200, "POST", `${PATH}?verb=APPEND`, TEXT, "raw");
      assert.equal(server.stored(PATH), "oneraw");
      await server.produce(200, PATH, ["p", 3, 1], "two");
      assert.equal(server.stored(PATH), "onerawtwo");
    });

    crashTest(`a stream is not closed by an append of which ${what} was written`, async (server) => {
      await twoAppends(server);
      // When a stream is closed, its claim ends at once, and the record of the file says how long it is.
      const restore = server.keepRecords();
      await server.produce(200, PATH, ["p", 3, 2], "end", CLOSED);
      await server.crash(() => {
        restore();
        truncateSync(server.file(PATH), left + 3);
      });
      const open = await server.get(PATH);
      assert.deepEqual([open.text, open.headers.get("stream-closed")], ["onetwo", null]);
      await server.produce(200, PATH, ["p", 3, 2], "end", CLOSED);
      assert.equal(server.stored(PATH), "onetwoend");
    });

    crashTest(`a PUT of which ${what} was written can be repeated`, async (server) => {
      await server.expect(201, "PUT", PATH, TEXT, "body");
      await server.crash(() => truncateSync(server.file(PATH), left - 3));
      assert.equal((await server.get(PATH)).text, "");
      await server.expect(201, "PUT", PATH, TEXT, "body");
      assert.equal(server.stored(PATH), "body");
    });
  }

  crashTest("an append that did not happen does not come back with bytes of another program", async (server) => {
    await crashDuringSecond(server, 3);
    await server.produce(200, PATH, ["q", 0, 0], "2");
    await server.crash(() => appendFileSync(server.file(PATH), "wo"));
    await server.produce(200, PATH, ["p", 3, 1], "!");
    assert.equal(server.stored(PATH), "one2wo!");
  });

  crashTest("a closed stream stays closed, and what has closed it may be repeated", async (server) => {
    await twoAppends(server);
    await server.produce(200, PATH, ["p", 3, 2], "end", CLOSED);
    await server.crash();
    const read = await server.get(PATH);
    assert.deepEqual([read.text, read.headers.get("stream-closed")], ["onetwoend", "true"]);
    await server.produce(204, PATH, ["p", 3, 2], "end", CLOSED);
    await server.produce(409, PATH, ["p", 3, 3], "more");
    await server.expect(409, "POST", `${PATH}?verb=APPEND`, TEXT, "raw");
  });

  crashTest("a message of a JSON stream that was cut off is not there", async (server) => {
    await server.expect(201, "PUT", "j", JSON_TYPE, "[1,2]");
    const restore = server.keepRecords();
    await server.expect(204, "POST", "j", JSON_TYPE, '{"a":3}');
    await server.crash(() => {
      restore();
      truncateSync(server.file("j"), 7);
    });
    assert.equal((await server.get("j")).text, "[1,2]");
    await server.expect(204, "POST", "j", JSON_TYPE, "4");
    assert.equal(server.stored("j"), "1\n2\n4\n");
  });

  crashTest("what was removed stays removed", async (server) => {
    await twoAppends(server);
    await server.expect(204, "DELETE", PATH);
    await server.crash();
    await server.expect(404, "GET", PATH);
    assert.equal(existsSync(server.file(PATH)), false);
    await server.expect(201, "PUT", PATH, TEXT);
    await server.produce(409, PATH, ["p", 3, 2], "three");
  });

  crashTest("a source that was removed is 410 until its last fork is gone", async (server) => {
    await server.expect(201, "PUT", "source", TEXT, "common");
    await server.expect(201, "PUT", "fork", {
      "Stream-Forked-From": "/source",
      "Stream-Fork-Offset": "0000000000000003",
    });
    await server.expect(204, "DELETE", "source");
    await server.crash();
    await server.expect(410, "GET", "source");
    await server.expect(409, "PUT", "source", TEXT);
    assert.equal((await server.get("fork")).text, "com");
    await server.expect(204, "DELETE", "fork");
    await server.expect(404, "GET", "source");
    await server.expect(201, "PUT", "source", TEXT);
  });

  crashTest("a fork that was copied in part is not there, and can be made again", async (server) => {
    await server.expect(201, "PUT", "source", TEXT, "common");
    const headers = { "Stream-Forked-From": "/source" };
    await server.expect(201, "PUT", "fork", headers);
    await server.crash(() => {
      // The last line of the log says that the copy is complete.
      const log = server.logs().find((file) => readFileSync(file, "utf8").includes('"fork"')) ?? "";
      const lines = readFileSync(log, "utf8").trimEnd().split("\n");
      writeFileSync(log, `${lines.slice(0, -1).join("\n")}\n`);
    });
    await server.expect(404, "GET", "fork");
    await server.expect(201, "PUT", "fork", headers);
    assert.equal(server.stored("fork"), "common");
  });

  crashTest("a stream that expires while no server runs is removed by the next one", async (server) => {
    await server.expect(201, "PUT", PATH, { ...TEXT, "Stream-TTL": "1" }, "x");
    await server.crash();
    await until("the file is removed", () => !existsSync(server.file(PATH)));
    await server.expect(404, "GET", PATH);
  });

  crashTest("a torn, empty or foreign log leaves a plain file", async (server) => {
    for (const [at, text] of ["", "garbage\n", "0".repeat(100)].entries()) {
      const path = `torn-${at}`;
      await server.expect(201, "PUT", path, TEXT, "kept");
      await server.crash(() => {
        for (const log of server.logs()) writeFileSync(log, text);
      });
      assert.equal((await server.get(path)).text, "kept");
      await server.expect(200, "POST", `${path}?verb=APPEND`, TEXT, "!");
      assert.equal(statSync(server.file(path)).size, 5);
    }
  });
});
