/** The search of the viewer by the fields of JSON. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SearchMessage } from "../../src/viewer/shared/messages.ts";
import { LineCutter, searchLines } from "../../src/viewer/worker/expression.ts";
import { fieldsQuery } from "../../src/viewer/worker/fields.ts";

const LINES = {
  error: '{"level":"ERROR","msg":"Disk full","status":500,"http":{"method":"GET"},"time":"2026-11-28T14:00:00Z"}',
  warning: '{"severity":"warning","msg":"it said \\"slow\\"","status":"404","tags":["a","prod"]}',
  pino: '{"level":50,"msg":"pino","ok":false,"none":null,"http.method":"PUT"}',
  info: '{"lvl":"info","status":200,"time":"2026-11-28T13:59:59Z"}',
  text: "error level 500 GET",
  number: "500",
} as const;

/** Queries, and the lines that they find. */
const QUERIES: readonly (readonly [string, readonly (keyof typeof LINES)[]])[] = [
  [".level=error", ["error", "pino"]],
  [".level>=warn", ["error", "warning", "pino"]],
  [".level<warn", ["info"]],
  [".level!=error", ["warning", "info"]],
  [".level=50", ["error", "pino"]],
  [".severity=WARN", ["warning"]],
  [".status>=500", ["error"]],
  [".status<500", ["warning", "info"]],
  [".status=5e2", ["error"]],
  [".http.method=get", ["error"]],
  [".http.method~t", ["error", "pino"]],
  [".tags=prod", ["warning"]],
  ['.msg="disk full"', ["error"]],
  [".msg~full", ["error"]],
  ['.msg~"\\"slow"', ["warning"]],
  [".ok=false", ["pino"]],
  [".none=null", ["pino"]],
  [".http~method", ["error"]],
  [".time>=2026-11-28T14", ["error"]],
  [".time<2026-11-28T14:00:00Z", ["info"]],
  [".status>100 .level>=error", ["error"]],
  ["disk .status>100", ["error"]],
  ['.status>100 "disk full"', ["error"]],
  [".constructor=x", []],
  [".missing!=x", ["error", "warning", "pino", "info"]],
  ['.msg=""', []],
];

describe("a search by fields", () => {
  for (const [query, found] of QUERIES) {
    test(`finds ${query}`, () => {
      const { test: holds } = fieldsQuery(query);
      assert.deepEqual(
        Object.entries(LINES).flatMap(([name, line]) => (holds(line) ? [name] : [])),
        found,
      );
    });
  }

  for (const [query, message] of [
    [".status>", '".status>" needs a value; "" is the empty text.'],
    [".status>=abc", '">=" compares numbers and times; "abc" is none.'],
    [".level>x", '">" compares numbers, times and levels; "x" is none.'],
    ['.msg="open', '"open has no closing quotation mark.'],
    [".a..b=1", '".a..b=1" is no field, operator and value.'],
    [".a!b=1", '".a!b=1" is no field, operator and value.'],
  ] as const) {
    test(`says what is wrong with ${query}`, async () => {
      assert.throws(() => fieldsQuery(query), { message });
      const told: SearchMessage[] = [];
      const order = {
        expression: query,
        isFields: true,
        url: "http://localhost/",
        generation: undefined,
        token: undefined,
      };
      await searchLines({ ...order, from: 0, to: 0 }, (one) => told.push(one));
      assert.deepEqual(told, [{ type: "failed", message }]);
    });
  }

  test("tests each line", () => {
    const lines = Object.values(LINES).join("\n");
    assert.deepEqual(new LineCutter(0, fieldsQuery(".level=error")).add(Buffer.from(lines), true), [
      0,
      lines.indexOf(LINES.pino),
    ]);
  });
});
