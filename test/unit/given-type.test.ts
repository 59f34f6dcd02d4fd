/** Headers of appends are untrusted, so the time to check them is linear in their length. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { givenType } from "../../src/server/request/given-type.ts";
import { transferFault } from "../../src/server/request/unsupported-body.ts";

test("media types are accepted unchanged, with or without parameters", () => {
  for (const type of ["text/plain", "text/x-diff; charset=utf-8", 'a/b ;c="d e"; ;f=g', "a/b;", "a/b \t; \t;c=d"]) {
    assert.equal(givenType(type), type);
  }
  for (const type of ["text", "text/", "text/plain; charset", "text/plain charset=utf-8", "a/b;c= d", "*/*"]) {
    assert.equal(givenType(type), undefined, type);
  }
});

test("a type with many semicolons and a coding with much white space are checked in linear time", () => {
  assert.equal(givenType(`text/plain${"; ".repeat(120)}\u00e4`), undefined);
  assert.equal(givenType(`text/plain${"; ".repeat(120)}a`), undefined);
  assert.match(transferFault(`a${" ".repeat(1_000_000)}b`) ?? "", /is not supported/);
});
