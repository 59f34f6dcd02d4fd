/** The guard around the append handles of custom stores. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CAUSE, convertsErrors, guarded, guardedHandle, KNOWN } from "../fixture/guarded-store.ts";

describe("a guarded handle", () => {
  it("shows what the driver's handle shows, at any time", async () => {
    const stream = { created: true, producers: {} };
    const said = { offset: 3, epoch: 2, generation: "g", type: "text/plain", fate: "replaced", wasSilent: true };
    const changing = { ...said, stream };
    const handle = await guarded({
      claim: async () => Object.assign(changing, { append: async () => 4, release: async () => {} }),
    }).claim("a");
    const shown = (): unknown[] => {
      const { offset, epoch, generation, type, fate, wasSilent, stream: state } = handle;
      return [offset, epoch, generation, type, fate, wasSilent, state];
    };
    assert.deepEqual(shown(), [3, 2, "g", "text/plain", "replaced", true, stream]);
    const closed = { ...stream, closed: {} };
    Object.assign(changing, { offset: 9, fate: "failed", generation: undefined, wasSilent: undefined, stream: closed });
    assert.deepEqual(shown(), [9, 2, "", "text/plain", "failed", false, closed]);
  });

  it("passes calls on to the driver's handle", async () => {
    const calls: unknown[] = [];
    const handoverRequested = new AbortController().signal;
    class Driver {
      readonly offset = 0;
      readonly created = false;
      readonly handoverRequested = handoverRequested;
      isRevoked(): boolean {
        return this.offset === 0;
      }
      async append(batch: Uint8Array): Promise<number> {
        return this.offset + batch.length;
      }
      async verify(): Promise<void> {
        calls.push(this);
      }
      async leaveEndMarker(ended: string): Promise<void> {
        calls.push(this, ended);
      }
      async release(ended: string): Promise<void> {
        calls.push(this, ended);
      }
      async discard(): Promise<void> {
        calls.push(this);
      }
    }
    const driver = new Driver();
    const handle = await guarded({ claim: async () => driver }).claim("a");
    assert.deepEqual([handle.created, handle.handoverRequested], [false, handoverRequested]);
    assert.deepEqual([handle.isRevoked?.(), await handle.append(new Uint8Array(4))], [true, 4]);
    await handle.verify?.();
    await handle.leaveEndMarker?.("complete");
    await handle.release("lost");
    await handle.discard?.();
    assert.deepEqual(calls, [driver, driver, "complete", driver, "lost", driver]);
  });

  it("lacks the optional members that the driver's handle lacks", async () => {
    const handle = await guardedHandle({});
    for (const member of ["created", "handoverRequested", "isRevoked", "verify", "leaveEndMarker", "discard"]) {
      assert.ok(!(member in handle), member);
    }
  });

  it("converts the errors of every member", async () => {
    await convertsErrors("a", async (append) => (await guardedHandle({ append })).append(Uint8Array.of(1)));
    await convertsErrors("a", async (release) => (await guardedHandle({ release })).release());
    await convertsErrors("a", async (verify) => (await guardedHandle({ verify })).verify?.());
    await convertsErrors("a", async (leaveEndMarker) =>
      (await guardedHandle({ leaveEndMarker })).leaveEndMarker?.("lost"),
    );
    await convertsErrors("a", async (discard) => (await guardedHandle({ discard })).discard?.());
  });

  it("is revoked when the driver's handle is, with an error that clients may see", async () => {
    for (const [reason, code] of [
      [KNOWN, "no_space"],
      [CAUSE, "storage"],
    ] as const) {
      const early = (await guardedHandle({ revoked: AbortSignal.abort(reason) })).revoked;
      assert.deepEqual([early.aborted, early.reason.code], [true, code]);
      const driver = new AbortController();
      const { revoked } = await guardedHandle({ revoked: driver.signal });
      assert.equal(revoked.aborted, false);
      driver.abort(reason);
      assert.deepEqual([revoked.aborted, revoked.reason.code], [true, code]);
    }
    assert.equal((await guardedHandle({ revoked: undefined })).revoked.aborted, false);
  });
});
