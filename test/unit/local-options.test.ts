/** The options of methods in the program that runs the server: a value of the wrong type is refused, and named. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createStreams, memoryStore } from "../../src/index.ts";

test("an option of the wrong type is refused, and named", async () => {
  const streams = createStreams({ store: memoryStore() });
  await streams.append("a", "0123456789");
  const read = (options: object): Promise<string> => new Response(streams.read("a", options)).text();
  const follow = (options: object): Promise<string> => new Response(streams.follow("a", options)).text();
  const append = (options: object): Promise<unknown> => streams.append("b", "x", options);
  const bytes = ["3", Number.NaN, -1, 1.5, 3n, null, {}];
  for (const value of bytes) {
    for (const name of ["from", "to"]) await refused(read({ [name]: value }), name);
    for (const name of ["offset", "tail"]) await refused(follow({ [name]: value }), name);
    await refused(append({ offset: value }), "offset");
  }
  for (const value of ["no", "", 0, 1, null, {}]) {
    await refused(follow({ stay: value }), "stay");
    await refused(append({ ifAbsent: value }), "ifAbsent");
  }
  assert.equal(await streams.stat("b"), undefined);
  assert.equal(await read({ from: 3, to: 5 }), "34");
  await assert.rejects(read({ from: 11 }), { code: "range" });
  await assert.rejects(read({ from: 5, to: 3 }), { code: "bad_request", message: /has no bytes from 5 to 3/ });
  await streams.shutdown();
});

async function refused(done: Promise<unknown>, name: string): Promise<void> {
  const message = new RegExp(
    `^The option "${name}" of \\w+\\(\\) must be (a whole number of bytes|true or false), not `,
  );
  await assert.rejects(done, { code: "bad_request", message });
}
