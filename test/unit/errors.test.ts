/** The one error class and its table. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  codeOfClose,
  codeOfStatus,
  ERROR_CODES,
  type ErrorCode,
  isErrorCode,
  StreamError,
} from "../../src/protocol/errors.ts";
import { closeReason, refusal } from "../../src/server/service/respond.ts";

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

test("every code has an error status, and a close code that means failure", () => {
  for (const code of CODES) {
    const error = new StreamError(code, "It failed.");
    assert.ok(error.status >= 400 && error.status <= 599, code);
    // Codes that an endpoint may send, and 1006, which means that no close frame arrived.
    const sendable = [1007, 1008, 1009, 1011, 1012, 1013].includes(error.closeCode) || error.closeCode >= 4000;
    assert.ok(sendable || error.closeCode === 1006, `${code}: ${error.closeCode}`);
  }
});

test("statuses and close codes match the wire contract", () => {
  const said: Partial<Record<ErrorCode, { status?: number; close?: number }>> = {
    conflict: { status: 403 },
    forbidden: { status: 403 },
    upgrade_required: { status: 426 },
    not_found: { status: 404 },
    method_not_allowed: { status: 405 },
    path_conflict: { status: 409, close: 1011 },
    precondition_failed: { status: 412 },
    gone: { status: 410 },
    unsupported: { status: 415 },
    not_implemented: { status: 501 },
    misconfigured: { status: 501 },
    range: { status: 416 },
    bad_path: { status: 400 },
    no_space: { status: 507, close: 1011 },
    changed: { close: 1011 },
    denied: { close: 1011 },
    storage: { close: 1011 },
    not_text: { close: 1007 },
    too_large: { close: 1009 },
    restarting: { close: 1012 },
    overloaded: { close: 1013 },
    protocol: { close: 1008 },
  };
  for (const [code, { status, close }] of Object.entries(said)) {
    const form = ERROR_CODES[code as ErrorCode];
    if (status !== undefined) assert.equal(form.status, status, code);
    if (close !== undefined) assert.equal(form.close, close, code);
  }
});

test("an error is an Error with a name, a code, a path and its cause", () => {
  const cause = new Error("below");
  const error = new StreamError("no_space", "The disk is full.", {
    path: "a/b",
    cause,
    headers: { "Retry-After": "1" },
  });
  assert.ok(error instanceof Error);
  assert.equal(error.name, "StreamError");
  assert.equal(error.path, "a/b");
  assert.equal(error.cause, cause);
  assert.deepEqual(error.headers, { "Retry-After": "1" });
  assert.match(String(error), /StreamError: The disk is full\./);
  const plain = new StreamError("internal", "x");
  assert.ok(!("cause" in plain));
  assert.deepEqual([plain.path, plain.headers], [undefined, {}]);
});

test("any thrown value becomes a StreamError; a StreamError stays as it is", () => {
  const error = new StreamError("conflict", "Taken.");
  assert.equal(StreamError.from(error, "storage"), error);
  const boom = new Error("boom");
  assert.equal(StreamError.from(boom).code, "internal");
  assert.equal(StreamError.from(boom, "storage").code, "storage");
  assert.equal(StreamError.from(boom).cause, boom);
  assert.equal(StreamError.from(boom).message, "boom");
  assert.equal(StreamError.from("text").message, "text");
  for (const thrown of ["text", 5, null, undefined, { message: "x" }]) {
    assert.ok(StreamError.from(thrown) instanceof StreamError);
    assert.equal(typeof StreamError.from(thrown).message, "string");
  }
});

test("only names of the table are error codes", () => {
  for (const code of CODES) assert.equal(isErrorCode(code), true, code);
  for (const name of ["", "Conflict", "toString", "__proto__"]) assert.equal(isErrorCode(name), false, name);
});

test("a refusal has a status, a code and a sentence, and caches do not store it", async () => {
  for (const code of CODES) {
    const response = refusal(new StreamError(code, "It failed.", { headers: { "Retry-After": "7" } }));
    assert.equal(response.status, ERROR_CODES[code].status);
    assert.equal(response.headers.get("Stream-Error"), code);
    assert.equal(response.headers.get("Retry-After"), "7");
    assert.equal(response.headers.get("Cache-Control"), "no-store");
    assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff");
    assert.match(response.headers.get("Content-Type") ?? "", /^text\/plain/);
    assert.equal(await response.text(), "It failed.\n");
  }
});

test("a close reason fits into a close frame, whatever the message", () => {
  const bytes = (text: string): number => Buffer.byteLength(text);
  assert.equal(closeReason("short"), "short");
  assert.equal(closeReason(""), "");
  const at = { path: 'a/"b"', base: "/streams" };
  assert.equal(
    closeReason('"/a/"b"" is not below "/a" or "/".', at),
    '"/streams/a/"b"" is not below "/streams/a" or "/streams/".',
  );
  assert.equal(closeReason('"/other" and\n\u001b', at), '"/other" and\\n\\e');
  assert.equal(closeReason("x".repeat(123)), "x".repeat(123));
  for (const unit of ["x", "ü", "漢", "🜁", " ", "e\u0301"]) {
    for (const before of ["", ".", "..", "..."]) {
      for (const count of [30, 60, 123, 124, 1000]) {
        const message = before + unit.repeat(count);
        const reason = closeReason(message);
        assert.ok(bytes(reason) <= 123, `${count} of ${unit}: ${bytes(reason)} bytes`);
        if (bytes(message) > 123) assert.ok(reason.endsWith("…"));
        assert.ok(isWellFormed(reason), `${count} of ${unit} is cut inside a character`);
      }
    }
  }
});

function isWellFormed(text: string): boolean {
  return new TextDecoder().decode(new TextEncoder().encode(text)) === text;
}

test("statuses and close codes that come without an error code map to fixed codes", () => {
  const statuses = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    407: "unauthorized",
    409: "path_conflict",
    410: "gone",
    412: "precondition_failed",
    413: "too_large",
    415: "unsupported",
    416: "range",
    421: "protocol",
    426: "upgrade_required",
    429: "overloaded",
    500: "storage",
    501: "not_implemented",
    502: "unreachable",
    503: "overloaded",
    504: "unreachable",
    507: "no_space",
    418: undefined,
  };
  const closes = {
    1001: "restarting",
    1002: "protocol",
    1003: "protocol",
    1007: "not_text",
    1008: "protocol",
    1009: "too_large",
    1011: "storage",
    1012: "restarting",
    1013: "overloaded",
    4001: "fenced",
    1000: undefined,
  };
  for (const [status, code] of Object.entries(statuses)) assert.equal(codeOfStatus(Number(status)), code, status);
  for (const [close, code] of Object.entries(closes)) assert.equal(codeOfClose(Number(close)), code, close);
});
