/** The record of a path as text, what it says about a content, and the digest of a content's end. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs, { closeSync, openSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { END_REASONS } from "../../src/protocol/end-reason.ts";
import {
  endedBy,
  formatRecord,
  isSameContent,
  newRecord,
  parseRecord,
  replacedRecord,
  type StreamRecord,
} from "../../src/stores/file/records/stream-record.ts";
import { TAIL_BYTES, tailDigest, tailDigestSync } from "../../src/stores/file/records/tail.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const RECORD: StreamRecord = { file: "a.txt", generation: "Gen_-9", size: 0, digest: "" };

test("whatever its length, a record fills whole units with as little as possible, and is read again", () => {
  const lengths = new Set<number>();
  for (let length = 1; length < 1_200; length++) {
    for (const letter of ["x", "漢"]) {
      const record = { ...RECORD, file: letter.repeat(length) };
      const text = formatRecord(record);
      const bytes = Buffer.byteLength(text);
      assert.equal(bytes % 512, 0);
      assert.ok(bytes - Buffer.byteLength(text.trimEnd()) <= 512, `${bytes} bytes`);
      assert.match(text, /\} *\n$/);
      assert.deepEqual(parseRecord(text, record.file), record);
      lengths.add(bytes - Buffer.byteLength(text.trimEnd()));
    }
  }
  assert.deepEqual([Math.min(...lengths), Math.max(...lengths)], [1, 512], "both extremes occurred");
});

test("a record with any changed byte is torn", () => {
  const record: StreamRecord = { ...RECORD, size: 5, digest: "d", ended: "complete", type: "text/plain" };
  const text = formatRecord(record).trimEnd();
  for (let at = 0; at < text.length; at++) {
    const changed = Buffer.from(text);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    // If the name of its checksum is changed, a record has another field that is unknown, and no checksum.
    const found = parseRecord(String(changed), "a.txt");
    const isChecksum = at > text.indexOf('"check"') && at <= text.indexOf('"check"') + 5;
    if (!isChecksum) assert.equal(found, undefined, `changed at ${at}`);
  }
  for (const length of [0, 1, text.length >> 1, text.length - 1]) {
    assert.equal(parseRecord(text.slice(0, length), "a.txt"), undefined);
  }
});

test("a record without a checksum counts; so do fields that are unknown; one of another file does not", () => {
  const later = { ...RECORD, closed: true };
  assert.deepEqual(parseRecord(JSON.stringify(later), "a.txt"), later);
  assert.deepEqual(parseRecord(formatRecord(later), "a.txt"), later);
  assert.equal(parseRecord(formatRecord(RECORD), "b.txt"), undefined);
  assert.equal(parseRecord(JSON.stringify({ ...RECORD, check: "00000000" }), "a.txt"), undefined);
});

test("values that are no record count as none", () => {
  for (const value of [null, 7, "text", [], {}]) assert.equal(parseRecord(JSON.stringify(value), "a.txt"), undefined);
});

/** Values of each field that are valid, and that are not. */
const FIELDS: Record<string, { valid: readonly unknown[]; wrong: readonly unknown[] }> = {
  generation: {
    valid: ["a", "Z", "0", "_", "-", "x".repeat(64), "a-b_C9"],
    wrong: [undefined, "", "x".repeat(65), "a/b", "/ab", "ab/", 7, "é"],
  },
  size: { valid: [0, 1, Number.MAX_SAFE_INTEGER], wrong: [undefined, -1, 1.5, 2 ** 53, "3", null] },
  digest: { valid: ["", "abc"], wrong: [undefined, 7, null] },
  ended: { valid: [undefined, "unknown", ...END_REASONS], wrong: ["", "nonsense", 7, null] },
  appending: { valid: [undefined, true], wrong: [false, 1, "true", null] },
  type: { valid: [undefined, "text/plain"], wrong: [7, null] },
};

for (const [field, { valid, wrong }] of Object.entries(FIELDS)) {
  test(`the ${field} of a record is checked`, () => {
    for (const value of valid) {
      const text = JSON.stringify({ ...RECORD, [field]: value });
      assert.deepEqual(parseRecord(text, "a.txt"), JSON.parse(text));
    }
    for (const value of wrong) {
      assert.equal(parseRecord(JSON.stringify({ ...RECORD, [field]: value }), "a.txt"), undefined, String(value));
    }
  });
}

test("the file of a record is a text, and a type that is no media type is dropped", () => {
  assert.equal(parseRecord(JSON.stringify({ ...RECORD, file: 7 }), 7 as unknown as string), undefined);
  assert.deepEqual(parseRecord(JSON.stringify({ ...RECORD, type: "text" }), "a.txt"), RECORD);
});

test("a content is the same if it has the recorded bytes, as far as both are known", () => {
  const record = { ...RECORD, size: 5, digest: "d" };
  assert.ok(isSameContent(record, { size: 5, digest: "d" }));
  assert.ok(isSameContent(record, { size: 6, digest: "d" }));
  assert.ok(!isSameContent(record, { size: 4, digest: "d" }));
  assert.ok(!isSameContent(record, { size: 5, digest: "e" }));
  assert.ok(isSameContent(record, { size: 5, digest: "" }), "the file cannot be read now");
  assert.ok(isSameContent({ ...record, digest: "" }, { size: 5, digest: "d" }), "it could not be read then");
  assert.ok(!isSameContent({ ...record, digest: "" }, { size: 4, digest: "" }));
});

test("another content keeps the type of the path, and nothing else", () => {
  const tail = { size: 3, digest: "e" };
  const { generation, ...made } = newRecord("a.txt", tail);
  assert.match(generation, /^[\w-]{8,64}$/);
  assert.deepEqual(made, { file: "a.txt", ...tail });
  const former: StreamRecord = { ...RECORD, ended: "complete", appending: true };
  const { generation: next, ...plain } = replacedRecord(former, tail);
  assert.notEqual(next, former.generation);
  assert.deepEqual(plain, { file: "a.txt", ...tail });
  const { generation: _, ...typed } = replacedRecord({ ...former, type: "text/x" }, tail);
  assert.deepEqual(typed, { file: "a.txt", ...tail, type: "text/x" });
});

test("an append whose end is not recorded is lost; one of which nothing is recorded is unknown", () => {
  assert.equal(endedBy(RECORD), "unknown");
  assert.equal(endedBy({ ...RECORD, ended: "complete" }), "complete");
  assert.equal(endedBy({ ...RECORD, appending: true }), "lost");
  assert.equal(endedBy({ ...RECORD, appending: true, ended: "complete" }), "lost");
});

test("a digest is one of the last 4 KiB before an offset, however little the system hands out at once", async (t) => {
  const folder = await temporaryFolder("tail");
  t.after(() => removeFolder(folder));
  const file = join(folder, "a.bin");
  const bytes = randomBytes(3 * TAIL_BYTES, 5);
  writeFileSync(file, bytes);
  const opened = await open(file);
  const fd = openSync(file, "r");
  const { readSync } = fs;
  fs.readSync = ((of: number, into: Uint8Array, at: number, length: number, position: number) =>
    readSync(of, into, at, Math.min(length, 1_000), position)) as typeof readSync;
  syncBuiltinESMExports();
  try {
    const size = bytes.length;
    for (const end of [0, 1, 7, TAIL_BYTES - 1, TAIL_BYTES, TAIL_BYTES + 1, size - 1, size, size + 1, size + 5_000]) {
      const covered = bytes.subarray(Math.max(0, end - 4_096), end);
      const expected = createHash("sha256").update(covered).digest("hex").slice(0, 32);
      assert.equal(await tailDigest(opened, end), expected, `before ${end}`);
      assert.equal(tailDigestSync(fd, end), expected, `before ${end}, synchronously`);
    }
  } finally {
    fs.readSync = readSync;
    syncBuiltinESMExports();
    closeSync(fd);
    await opened.close();
  }
});
