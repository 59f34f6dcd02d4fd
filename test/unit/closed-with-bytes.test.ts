/** A reader that looks at a stream while it is closed: it is closed only together with the bytes that have closed it. */
import assert from "node:assert/strict";
import type { Stats } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import type { StreamState } from "../../src/engine/storage/stream-state.ts";
import { OpenedFile } from "../../src/stores/file/folders/opened-file.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** More lines than a log has when its claim ends. */
const MANY = 70;

const STATE: StreamState = { created: true, type: "text/plain", producers: {} };

/** Looks at a stream that is closed when the reader has looked up its size, and nothing else yet. */
async function lookDuring(t: TestContext, appends: number, isReleased: boolean): Promise<unknown[]> {
  const root = await temporaryFolder("closing");
  t.after(() => removeFolder(root));
  const store = fileStore({ root });
  const handle = await store.claim("a.txt");
  for (let seq = 0; seq < appends; seq++) await handle.append(Buffer.from("x"), seq === 0 ? STATE : { seq: `${seq}` });
  const { stat } = OpenedFile.prototype;
  let isClosed = false;
  const mocked = t.mock.method(OpenedFile.prototype, "stat", async function (this: OpenedFile): Promise<Stats> {
    const stats = await stat.call(this);
    mocked.mock.restore();
    await handle.append(Buffer.from("end"), { closed: {} });
    if (isReleased) await handle.release("complete");
    isClosed = true;
    return stats;
  });
  const { size, stream } = (await store.stat("a.txt")) ?? {};
  assert.ok(isClosed);
  await handle.release("complete");
  return [size, stream?.closed];
}

describe("a stream that is closed while a reader looks at it", () => {
  it("has the bytes that have closed it", async (t) => {
    assert.deepEqual(await lookDuring(t, 1, false), [4, {}]);
  });

  it("has them also if its claim has ended, and its log was replaced", async (t) => {
    assert.deepEqual(await lookDuring(t, MANY, true), [MANY + 3, {}]);
  });
});
