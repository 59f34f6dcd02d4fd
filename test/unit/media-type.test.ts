/** The media type of stored content: given by the appender, implied by the extension, or detected in the bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mediaTypeOf } from "../../src/server/http/media-type.ts";
import { isText } from "../../src/server/http/sniff-text.ts";
import { givenType } from "../../src/server/request/given-type.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { put } from "../contract/store/driver.ts";

const PLAIN = "text/plain; charset=utf-8";
const BINARY = "application/octet-stream";

async function typeOf(path: string, content: string | Uint8Array, type?: string): Promise<string> {
  const store = memoryStore();
  const size = await put(store, path, content);
  return await mediaTypeOf(store, { path, size, type });
}

test("text whose name implies no type is plain text", async () => {
  const names = [
    "42",
    "builds/42",
    "a.log",
    "a.log.1",
    "a.out",
    "a.err",
    "a.diff",
    "a.py",
    "a.ts",
    "a.mts",
    "a.cjs",
    "a.tap",
    "a.sh",
    "a.rs",
    "Makefile",
  ];
  for (const name of [...names, "a.unheard-of", "UPPER.TS", ".hidden", "a."]) {
    assert.equal(await typeOf(name, "some text\n"), PLAIN, name);
    assert.equal(await typeOf(name, ""), PLAIN, `${name}, empty`);
  }
});

test("other content keeps the type that its name implies, or has none", async () => {
  const bytes = Uint8Array.of(0x47, 0x40, 0, 0x10, 0);
  const types = {
    "a.ts": "video/mp2t",
    "a.sh": "application/x-sh",
    "builds/42": BINARY,
    "a.py": BINARY,
    "a.log.1": BINARY,
  };
  for (const [name, type] of Object.entries(types)) assert.equal(await typeOf(name, bytes), type, name);
});

test("a type that the name implies or the appender gave needs no look at the bytes", async () => {
  const types = {
    "a.html": "text/html; charset=utf-8",
    "a.json": "application/json; charset=utf-8",
    "a.png": "image/png",
    "a.mp4": "video/mp4",
    "a.zip": "application/zip",
    "a.txt": PLAIN,
    "a.css": "text/css; charset=utf-8",
    "a.svg": "image/svg+xml; charset=utf-8",
  };
  for (const [name, type] of Object.entries(types)) assert.equal(await typeOf(name, "\0text"), type, name);
  assert.equal(await typeOf("a.html", "<p>", "text/x-said"), "text/x-said");
  assert.equal(await typeOf("42", "text", BINARY), BINARY);
});

test("only the first 512 bytes count, and they may end within a character", async () => {
  assert.equal(await typeOf("42", `${"x".repeat(512)}\0`), PLAIN);
  assert.equal(await typeOf("42", `${"x".repeat(511)}\0`), BINARY);
  assert.equal(await typeOf("42", `${"x".repeat(511)}\u6f22`), PLAIN);
  assert.equal(await typeOf("42", Buffer.from("half a \u6f22").subarray(0, -1)), PLAIN);
});

test("text is UTF-8 without the control characters that no terminal prints", () => {
  for (const text of ["", "a\tb\r\nc\f", "\u001b[31mred\u001b[0m", "\ufeffmarked", "漢字🜁", "\u0085\u00a0"]) {
    assert.ok(isText(Buffer.from(text)), JSON.stringify(text));
  }
  for (const bytes of ["\0", "\u0001", "\u001a", "PK\u0003\u0004"]) assert.ok(!isText(Buffer.from(bytes)), bytes);
  for (const bytes of [
    [0xff, 0xfe, 0x41],
    [0xe9, 0x20],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
  ]) {
    assert.ok(!isText(Uint8Array.from(bytes)), String(bytes));
  }
});

test("content that can't be read does not count as text", async () => {
  assert.equal(await mediaTypeOf(memoryStore(), { path: "gone", size: 5 }), BINARY);
});

test("a range of types, a form's type and an invalid type are not stored", () => {
  for (const type of ["text/plain", "text/x-diff; charset=utf-8", 'text/plain; charset="utf-8"', "a/b+c"]) {
    assert.equal(givenType(type), type);
  }
  for (const type of [
    "*/*",
    "text/*",
    "text",
    "text/plain, text/html",
    "Application/X-WWW-Form-Urlencoded",
    "",
    undefined,
  ]) {
    assert.equal(givenType(type), undefined, String(type));
  }
});
