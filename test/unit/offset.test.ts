/** Offsets in URLs and headers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { formatOffset, parseStart, parseStreamOffset, resolveStart, type Start } from "../../src/protocol/offset.ts";

const isRefused = (code: string) => (error: unknown) => error instanceof StreamError && error.code === code;

test("formatted offsets have 16 digits, sort as text, and parse back", () => {
  const offsets = [0, 1, 9, 10, 999, 2 ** 31, 2 ** 32, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER];
  const tokens = offsets.map(formatOffset);
  assert.ok(tokens.every((token) => /^\d{16}$/.test(token)));
  assert.deepEqual([...tokens].sort(), tokens);
  for (const [at, token] of tokens.entries()) assert.deepEqual(parseStart(token, undefined), { offset: offsets[at] });
});

test("a start is an offset, now or a tail", () => {
  const cases: [string | undefined, string | undefined, Start][] = [
    [undefined, undefined, { offset: 0 }],
    ["-1", undefined, { offset: 0 }],
    ["0", undefined, { offset: 0 }],
    ["000", undefined, { offset: 0 }],
    ["7", undefined, { offset: 7 }],
    ["now", undefined, "now"],
    [undefined, "0", { tail: 0 }],
    [undefined, "10", { tail: 10 }],
  ];
  for (const [offset, tail, start] of cases) assert.deepEqual(parseStart(offset, tail), start, `${offset} ${tail}`);
});

test("a number beyond the safe integers lies past any end", () => {
  for (const text of ["9007199254740992", "9999999999999999", "1".repeat(400)]) {
    assert.deepEqual(parseStart(text, undefined), { offset: Number.MAX_SAFE_INTEGER });
    assert.deepEqual(parseStart(undefined, text), { tail: Number.MAX_SAFE_INTEGER });
  }
});

test("anything else is refused", () => {
  const bad = ["", " ", "-2", "+1", "1.5", "1e3", "0x10", "NOW", "nan", "١", "1 "];
  for (const text of bad) {
    assert.throws(() => parseStart(text, undefined), isRefused("bad_request"), `offset=${text}`);
    assert.throws(() => parseStart(undefined, text), isRefused("bad_request"), `tail=${text}`);
  }
  for (const text of ["now", "-1"]) assert.throws(() => parseStart(undefined, text), isRefused("bad_request"));
  assert.throws(() => parseStart("0", "0"), isRefused("bad_request"), "both at once");
});

test("two numbers of 16 digits are an offset of another server; only of its first part we have any bytes", () => {
  const [zero, one, last] = ["0".repeat(16), "1".padStart(16, "0"), "9".repeat(16)];
  const offsets: [string, number][] = [
    [`${zero}_${zero}`, 0],
    [`${zero}_${one}`, 1],
    [`${zero}_0000000000000042`, 42],
    [`${zero}_${last}`, Number.MAX_SAFE_INTEGER],
    [`${one}_${zero}`, Number.MAX_SAFE_INTEGER],
    [`${last}_${one}`, Number.MAX_SAFE_INTEGER],
    ["42", 42],
  ];
  for (const [text, offset] of offsets) {
    assert.equal(parseStreamOffset("offset", text), offset, text);
    assert.deepEqual(parseStart(text, undefined), { offset }, text);
  }
  const digits = (count: number): string => "0".repeat(count);
  const wrong = [`${zero}_`, `_${zero}`, `${zero}${zero}_`, `${zero}_${zero}_`, `0${zero}_${zero}`, `${zero}_${zero}0`];
  wrong.push(`${digits(1)}_${zero}`, `${zero}_${digits(1)}`, `${digits(15)}_${zero}`, `${zero}_${digits(15)}`);
  wrong.push(`${"x".repeat(16)}_${zero}`, `${zero}_${"x".repeat(16)}`, `${zero}-${zero}`, `x${zero}_${zero}`);
  for (const text of wrong) {
    assert.throws(() => parseStreamOffset("offset", text), isRefused("bad_request"), text);
    assert.throws(() => parseStart(undefined, text), isRefused("bad_request"), text);
  }
});

test("a start resolves to an offset in the resource", () => {
  assert.equal(resolveStart("now", 10), 10);
  assert.equal(resolveStart({ offset: 0 }, 0), 0);
  assert.equal(resolveStart({ offset: 10 }, 10), 10);
  assert.equal(resolveStart({ tail: 3 }, 10), 7);
  assert.equal(resolveStart({ tail: 30 }, 10), 0);
  assert.equal(resolveStart({ tail: 0 }, 10), 10);
});

test("a start past the end is refused with the size", () => {
  assert.throws(
    () => resolveStart({ offset: 11 }, 10),
    (error) =>
      error instanceof StreamError &&
      error.code === "range" &&
      error.headers["Stream-Next-Offset"] === formatOffset(10) &&
      error.headers["Content-Range"] === "bytes */10",
  );
});
