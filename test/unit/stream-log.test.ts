/** The log of a stream while its file is claimed: what a crash has left, notes, and when the log is replaced. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { StreamState } from "../../src/engine/storage/stream-state.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { LogFiles } from "../../src/stores/file/streams/log-files.ts";
import { type BaseLine, formatLine, type LogLine, noteOf, parseLog } from "../../src/stores/file/streams/log-lines.ts";
import { type ClaimedFile, recoverStream, StreamLog } from "../../src/stores/file/streams/stream-log.ts";
import { beforeFlush, systemError } from "../fixture/open-files.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const NAME = "a.txt";
const STATE: StreamState = { created: true, type: "text/plain", producers: { p: { epoch: 0, seq: 0 } } };
const BASE: BaseLine = { file: NAME, generation: "g", number: 3, state: STATE };
const NOTE = noteOf({ file: NAME, generation: "g", number: 4 }, 3, Buffer.from("four"), { seq: "1" });

/** Lines of a claim after which the log is replaced. */
const MAX_LIVE_LINES = 1_024;
/** The same when the claim ends. */
const MAX_LINES = 64;
/** Bytes of notes after which it is. */
const MAX_NOTED_BYTES = 1024 * 1024;
/** How much numbers grow when another process had the claim. */
const TAKEOVER_STEP = 2 ** 20;

interface Rig {
  readonly claimed: ClaimedFile;
  readonly files: LogFiles;
  /** The log and the file now. */
  log(): string | undefined;
  file(): string;
  /** How often bytes were cut off. */
  cuts(): number;
  /** What a claim finds. */
  open(isInherited?: boolean): Promise<StreamLog>;
}

async function rig(
  t: TestContext,
  content: string,
  lines: readonly LogLine[],
  more: Partial<ClaimedFile> & { durable?: boolean } = {},
): Promise<Rig> {
  const root = await temporaryFolder("log");
  const place = join(root, NAME);
  writeFileSync(place, content);
  const opened = await open(place, "r+");
  t.after(async () => {
    await opened.close();
    await removeFolder(root);
  });
  const { durable = false, ...members } = more;
  const files = new LogFiles(reservedIn(root), durable);
  if (lines.length > 0) await files.write(BASE);
  if (lines.length > 0) writeFileSync(files.placeOf(NAME), lines.map(formatLine).join(""));
  let cuts = 0;
  const claimed: ClaimedFile = {
    ...{ files, name: NAME, opened, readable: true, isNew: false, isOurs: () => true, recorded: () => "g" },
    onCut: async () => void cuts++,
    ...members,
  };
  return {
    claimed,
    files,
    log: () => (files.has(NAME) ? readFileSync(files.placeOf(NAME), "utf8") : undefined),
    file: () => readFileSync(place, "utf8"),
    cuts: () => cuts,
    open: async (isInherited = false) => StreamLog.open(claimed, await recoverStream(claimed), "g", isInherited),
  };
}

/** Notes and stores a write. */
async function stored(log: StreamLog, from: number, text: string, change = {}): Promise<void> {
  await log.prepare(from, Buffer.from(text), change);
  log.write();
  log.stored();
}

describe("what a process that has died has left", () => {
  it("is nothing if there is no log", async (t) => {
    const { claimed, open: claim, cuts } = await rig(t, "abc", []);
    assert.equal(await recoverStream(claimed), undefined);
    assert.equal((await claim()).state, undefined);
    assert.equal(cuts(), 0);
  });

  it("is forgotten with its file, and with a tombstone", async (t) => {
    const made = await rig(t, "", [BASE], { isNew: true });
    assert.equal(await recoverStream(made.claimed), undefined);
    assert.equal(made.log(), undefined);
    const buried = await rig(t, "abc", [{ ...BASE, state: { ...STATE, deleted: true } }]);
    assert.equal(await recoverStream(buried.claimed), undefined);
    assert.deepEqual([buried.log(), buried.file()], [undefined, "abc"]);
  });

  it("is cut off if it is a part of the last write", async (t) => {
    for (const content of ["abcf", "abcfou"]) {
      const it = await rig(t, content, [BASE, NOTE]);
      assert.equal((await recoverStream(it.claimed))?.last?.number, 4);
      assert.deepEqual([it.file(), it.cuts()], ["abc", 1]);
    }
  });

  it("is cut off if it is a part of what was to create the stream", async (t) => {
    const first = noteOf({ file: NAME, generation: "g", number: 1 }, 0, Buffer.from("four"), STATE);
    const it = await rig(t, "fo", [first]);
    const log = await it.open();
    assert.deepEqual([it.file(), it.cuts(), log.state, it.log()], ["", 1, undefined, undefined]);
  });

  it("is cut off on the disk as well, at the level disk", async (t) => {
    for (const durable of [false, true]) {
      const it = await rig(t, "abcf", [BASE, NOTE], { durable });
      let flushes = 0;
      await beforeFlush(t, () => {
        flushes++;
      });
      await recoverStream(it.claimed);
      assert.equal(flushes, durable ? 1 : 0);
      t.mock.restoreAll();
    }
  });

  it("stays if it is whole, or has not begun, or can't be told", async (t) => {
    for (const [content, more] of [
      ["abcfour", {}],
      ["abcfour!", {}],
      ["abc", {}],
      ["ab", {}],
      ["abcx", {}],
      ["abcf", { readable: false }],
      ["abcf", { recorded: () => "other" }],
      ["abcf", { recorded: () => undefined }],
    ] as const) {
      const it = await rig(t, content, [BASE, NOTE], more);
      assert.equal((await recoverStream(it.claimed))?.last?.number, 4);
      assert.deepEqual([it.file(), it.cuts()], [content, 0], content);
    }
    const whole = await rig(t, "abcf", [BASE]);
    assert.equal((await recoverStream(whole.claimed))?.number, 3);
    assert.deepEqual([whole.file(), whole.cuts()], ["abcf", 0]);
  });

  it("is nothing if it is the beginning of a fork", async (t) => {
    const beginning = { ...BASE, state: { ...STATE, incomplete: true } };
    const it = await rig(t, "abc", [beginning]);
    assert.equal(await recoverStream(it.claimed), undefined);
    assert.deepEqual([it.file(), it.log(), it.cuts()], ["", undefined, 1]);
    const other = await rig(t, "abc", [beginning], { recorded: () => "other" });
    await recoverStream(other.claimed);
    assert.deepEqual([other.file(), other.cuts()], ["abc", 0]);
    const done = noteOf({ file: NAME, generation: "g", number: 4 }, 3, Buffer.from("!"), { incomplete: false });
    const whole = await rig(t, "abc!", [beginning, done]);
    assert.ok(await recoverStream(whole.claimed));
    assert.equal(whole.file(), "abc!");
  });
});

describe("the log of a claimed file", () => {
  it("has the state after the last write, and is replaced by it", async (t) => {
    const it = await rig(t, "abcfour", [BASE, NOTE]);
    assert.deepEqual((await it.open()).state, { ...STATE, seq: "1" });
    assert.equal(it.log(), formatLine({ ...BASE, number: 4, state: { ...STATE, seq: "1" } }));
  });

  it("has the state before it, if its bytes are missing", async (t) => {
    for (const content of ["abc", "abcf"]) {
      const it = await rig(t, content, [BASE, NOTE]);
      assert.deepEqual((await it.open()).state, STATE);
      assert.equal(it.log(), formatLine({ ...BASE, number: 4 }));
    }
  });

  it("has no producers if other bytes are there than were noted", async (t) => {
    const it = await rig(t, "abcFOUR", [BASE, NOTE]);
    assert.deepEqual((await it.open()).state, { ...STATE, seq: "1", producers: {} });
    const more = await rig(t, "abcfour!", [BASE, NOTE]);
    assert.deepEqual((await more.open()).state?.producers, STATE.producers);
    const blind = await rig(t, "abcFOUR", [BASE, NOTE], { readable: false });
    assert.deepEqual((await blind.open()).state?.producers, STATE.producers);
  });

  it("has only what belongs to the path, if the file has other content", async (t) => {
    const it = await rig(t, "abcfour", [
      { ...BASE, generation: "former" },
      { ...NOTE, generation: "former" },
    ]);
    assert.deepEqual((await it.open()).state, { created: true, type: "text/plain", producers: {} });
    assert.equal(parseLog(it.log() ?? "", NAME)?.generation, "g");
    const { claimed, log } = await rig(t, "abc", [{ ...BASE, state: { ...STATE, incomplete: true } }], {
      recorded: () => "other",
    });
    const opened = await StreamLog.open(claimed, await recoverStream(claimed), "other", false);
    assert.deepEqual([opened.state, log()], [undefined, undefined]);
  });

  it("stays as it is if there is nothing to tell, unless another process may write to it", async (t) => {
    const it = await rig(t, "abc", [BASE]);
    const { ino } = statSync(it.files.placeOf(NAME));
    assert.deepEqual((await it.open()).state, STATE);
    assert.equal(statSync(it.files.placeOf(NAME)).ino, ino);
    const log = await it.open(true);
    assert.notEqual(statSync(it.files.placeOf(NAME)).ino, ino);
    assert.equal(it.log(), formatLine({ ...BASE, number: 3 + TAKEOVER_STEP }));
    await stored(log, 3, "x");
    await log.close();
    assert.equal(parseLog(it.log() ?? "", NAME)?.number, 4 + TAKEOVER_STEP);
  });

  it("stays as it is if another process has taken the file over", async (t) => {
    const it = await rig(t, "abcfour", [BASE, NOTE], { isOurs: () => false });
    await it.open();
    assert.equal(it.log(), formatLine(BASE) + formatLine(NOTE));
  });
});

describe("the note of a write", () => {
  it("is in the log before the write counts", async (t) => {
    const it = await rig(t, "abc", [BASE]);
    const log = await it.open();
    const line = await log.prepare(3, Buffer.from("four"), { seq: "1" });
    assert.equal(it.log(), formatLine(BASE));
    log.write();
    assert.equal(it.log(), formatLine(BASE) + line);
    assert.equal(line, formatLine(NOTE));
    assert.deepEqual(log.state, STATE);
    log.stored();
    assert.deepEqual(log.state, { ...STATE, seq: "1" });
    log.stored();
    await log.close();
    assert.equal(parseLog(it.log() ?? "", NAME)?.last?.number, 4);
  });

  it("makes the log of a path that had none, for its owner only", async (t) => {
    for (const durable of [false, true]) {
      const it = await rig(t, "", [], { durable });
      let flushes = 0;
      await beforeFlush(t, () => {
        flushes++;
      });
      const log = await it.open();
      await stored(log, 0, "x", STATE);
      assert.equal(flushes, durable ? 1 : 0);
      await stored(log, 1, "y");
      assert.equal(flushes, durable ? 1 : 0);
      assert.deepEqual(log.state, STATE);
      await log.close();
      assert.equal(parseLog(it.log() ?? "", NAME)?.number, 2);
      assert.equal(statSync(it.files.placeOf(NAME)).mode & 0o777, 0o600);
      t.mock.restoreAll();
    }
  });

  it("can't be written before it is prepared", async (t) => {
    const log = await (await rig(t, "abc", [BASE])).open();
    assert.throws(() => log.write(), /not open/);
  });

  it("that is taken back does not count", async (t) => {
    for (const durable of [false, true]) {
      const it = await rig(t, "abc", [BASE], { durable });
      const log = await it.open();
      await log.takeBack();
      assert.equal(it.log(), formatLine(BASE));
      await log.prepare(3, Buffer.from("four"), { seq: "1" });
      log.write();
      let flushes = 0;
      await beforeFlush(t, () => {
        flushes++;
      });
      await log.takeBack();
      assert.equal(flushes, durable ? 1 : 0);
      t.mock.restoreAll();
      log.stored();
      assert.deepEqual(log.state, STATE);
      assert.equal(it.log(), formatLine(BASE) + formatLine(NOTE) + formatLine({ void: true, number: 4 }));
      await log.takeBack();
      assert.equal(it.log()?.split("\n").length, 4);
      await stored(log, 3, "five", { seq: "2" });
      await log.close();
      const logged = parseLog(it.log() ?? "", NAME);
      assert.deepEqual([logged?.state, logged?.last?.change], [STATE, { seq: "2" }]);
    }
  });

  it("that can't be taken back is replaced by the next one", async (t) => {
    const it = await rig(t, "abc", [BASE], { durable: true });
    const log = await it.open();
    await log.prepare(3, Buffer.from("four"), { seq: "1" });
    log.write();
    await beforeFlush(t, () => {
      throw systemError("EIO");
    });
    await log.takeBack();
    t.mock.restoreAll();
    await stored(log, 3, "five", { seq: "2" });
    assert.deepEqual(log.state, { ...STATE, seq: "2" });
    await log.close();
  });
});

describe("a flush of the log", () => {
  it("is one for what was written, and is repeated if it has failed", async (t) => {
    const it = await rig(t, "abc", [BASE]);
    const log = await it.open();
    let flushes = 0;
    let isBroken = false;
    await beforeFlush(t, () => {
      flushes++;
      if (isBroken) throw systemError("EIO");
    });
    await log.flush();
    assert.equal(flushes, 0);
    await stored(log, 3, "x");
    await log.flush();
    await log.flush();
    assert.equal(flushes, 1);
    isBroken = true;
    await stored(log, 4, "y");
    await assert.rejects(log.flush(), { code: "EIO" });
    await assert.rejects(log.flush(), { code: "EIO" });
    isBroken = false;
    flushes = 0;
    await log.flush();
    await log.flush();
    assert.equal(flushes, 1);
    await stored(log, 5, "z");
    await log.close();
    await log.flush();
    assert.equal(flushes, 2);
  });
});

describe("a long log", () => {
  it("is replaced by its state while the claim lasts", async (t) => {
    const it = await rig(t, "", [BASE]);
    const log = await it.open();
    for (let seq = 1; seq <= MAX_LIVE_LINES; seq++) await stored(log, 0, "", { seq: `${seq}` });
    assert.equal(it.log()?.split("\n").length, MAX_LIVE_LINES + 2);
    await stored(log, 0, "", { seq: "last" });
    const logged = parseLog(it.log() ?? "", NAME);
    assert.deepEqual([logged?.lines.length, logged?.state?.seq], [2, String(MAX_LIVE_LINES)]);
    assert.deepEqual([logged?.last?.change, log.state?.seq], [{ seq: "last" }, "last"]);
    await log.close();
    assert.equal(parseLog(it.log() ?? "", NAME)?.lines.length, 2);
  });

  it("is replaced by its state when its notes are large", async (t) => {
    const it = await rig(t, "", [BASE]);
    const log = await it.open();
    const seq = "x".repeat(MAX_NOTED_BYTES / 2);
    for (const lines of [2, 3, 2, 3]) {
      await stored(log, 0, "", { seq });
      assert.equal(parseLog(it.log() ?? "", NAME)?.lines.length, lines);
    }
    await log.close();
  });

  it("is replaced by its state when the claim ends, unless a write is under way", async (t) => {
    for (const [notes, lines] of [
      [MAX_LINES - 1, MAX_LINES],
      [MAX_LINES, 1],
    ] as const) {
      const it = await rig(t, "", [BASE]);
      const log = await it.open();
      for (let seq = 1; seq <= notes; seq++) await stored(log, 0, "", { seq: `${seq}` });
      await log.close();
      assert.equal(parseLog(it.log() ?? "", NAME)?.lines.length, lines);
      assert.equal(log.state?.seq, `${notes}`);
    }
    const it = await rig(t, "", [BASE]);
    const log = await it.open();
    for (let seq = 1; seq <= MAX_LINES; seq++) await stored(log, 0, "", { seq: `${seq}` });
    await log.prepare(0, Buffer.from("x"), { seq: "pending" });
    log.write();
    await log.close();
    assert.equal(parseLog(it.log() ?? "", NAME)?.lines.length, MAX_LINES + 2);
  });

  it("counts the lines that were there, and is not replaced if the file is another's", async (t) => {
    const voids = Array.from({ length: MAX_LINES }, () => ({ void: true, number: 3 }) as const);
    const it = await rig(t, "", [BASE, ...voids]);
    const log = await it.open();
    await log.close();
    assert.equal(it.log(), formatLine(BASE));
    let isOurs = true;
    const other = await rig(t, "", [BASE], { isOurs: () => isOurs });
    const lost = await other.open();
    for (let seq = 1; seq <= MAX_LINES; seq++) await stored(lost, 0, "", { seq: `${seq}` });
    isOurs = false;
    await lost.close();
    assert.equal(parseLog(other.log() ?? "", NAME)?.lines.length, MAX_LINES + 1);
  });

  it("without a state stays", async (t) => {
    const it = await rig(t, "", []);
    const log = await it.open();
    for (let at = 0; at <= MAX_LINES; at++) {
      await log.prepare(0, Buffer.from("x"), STATE);
      log.write();
      await log.takeBack();
    }
    await log.close();
    assert.deepEqual([log.state, existsSync(it.files.placeOf(NAME))], [undefined, true]);
    assert.equal(it.log()?.split("\n").length, 2 * (MAX_LINES + 1) + 1);
  });
});
