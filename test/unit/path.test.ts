/** From URL paths to resource paths and back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import {
  checkedPath,
  isAddressable,
  PATH_BYTES,
  RESERVED_SEGMENT,
  resourcePath,
  resourceSegment,
  SEGMENT_BYTES,
  urlPath,
} from "../../src/protocol/path.ts";
import { prng } from "../fixture/bytes.ts";

const isRefused = (error: unknown): boolean =>
  error instanceof StreamError && error.code === "bad_path" && error.path !== undefined;

test("paths are decoded once, segment by segment", () => {
  const paths: Record<string, string> = {
    "/": "",
    "/a": "a",
    "/a/b/c.txt": "a/b/c.txt",
    "/a%20b": "a b",
    "/a+b": "a+b",
    "/%C3%BC": "ü",
    "/e%CC%81": "e\u0301",
    "/%25": "%",
    "/%252e%252e": "%2e%2e",
    "/%2541": "%41",
    "/a%0Ab": "a\nb",
    "/a%3Fb%23c": "a?b#c",
    "/...": "...",
    "/..a/.b": "..a/.b",
    "/.%20": ". ",
    "/C:": "C:",
  };
  for (const [pathname, path] of Object.entries(paths)) assert.equal(resourcePath(pathname), path, pathname);
});

test("a path that can't name a resource is refused, however it is encoded", () => {
  const bad = [
    "//",
    "/a//b",
    "//a",
    "/a/",
    "/a//",
    "/.",
    "/..",
    "/a/..",
    "/a/../b",
    "/a/./b",
    "/%2e",
    "/%2E%2e",
    "/.%2e",
  ];
  bad.push(
    "/%2e%2e%2fx",
    "/a%2fb",
    "/a%5Cb",
    "/a\\b",
    "/a%2Fb",
    "/%2f",
    "/a%00b",
    "/%00",
    "/%zz",
    "/%",
    "/%c",
    "/%ff",
    "/%c3%28",
    "/%ed%a0%80",
  );
  bad.push(`/${RESERVED_SEGMENT}`, `/${RESERVED_SEGMENT}/sessions`, `/%2ehttpfstream/x`, `/${"x".repeat(256)}`);
  for (const pathname of bad) assert.throws(() => resourcePath(pathname), isRefused, pathname);
});

test("a folder may have one trailing slash, where folders are allowed", () => {
  assert.equal(resourcePath("/a/b/", { folder: true }), "a/b");
  assert.equal(resourcePath("/a/b", { folder: true }), "a/b");
  assert.equal(resourcePath("/", { folder: true }), "");
  for (const pathname of ["/a//", "//", "/a/b//"]) {
    assert.throws(() => resourcePath(pathname, { folder: true }), isRefused, pathname);
  }
});

test("the segments of a mount are not part of the path", () => {
  assert.equal(resourcePath("/streams/a/b", { skip: 1 }), "a/b");
  assert.equal(resourcePath("/x/y/streams/a", { skip: 3 }), "a");
  assert.equal(resourcePath("/streams", { skip: 1 }), "");
  assert.equal(resourcePath("/streams/", { skip: 1 }), "");
  assert.equal(resourcePath("/streams/", { skip: 1, folder: true }), "");
  assert.throws(() => resourcePath("/streams//a", { skip: 1 }), isRefused);
  assert.throws(() => resourcePath(`/streams/${RESERVED_SEGMENT}/a`, { skip: 1 }), isRefused);
});

test("half of a character is refused: encoded, all of them are the same", () => {
  for (const name of ["u\ud800", "\udfffu", "\ude00\ud83d", "a\ud83db"]) {
    assert.throws(() => checkedPath(["a", name]), isRefused, JSON.stringify(name));
    assert.equal(isAddressable("a", name), false, JSON.stringify(name));
  }
  assert.equal(checkedPath(["\ud83d\ude00"]), "😀");
});

test("the reserved name is allowed below the first level", () => {
  assert.equal(resourcePath(`/a/${RESERVED_SEGMENT}`), `a/${RESERVED_SEGMENT}`);
  assert.equal(checkedPath(["a", RESERVED_SEGMENT, "b"]), `a/${RESERVED_SEGMENT}/b`);
});

test("the reserved name is refused however a file system may spell it", () => {
  const spellings = [".HTTPFSTREAM", ".httpF\u017ftream", ".httpf\ufb06ream", ".httpf\ufb05ream"];
  spellings.push(".http\u200cfstream", "\ufeff.httpfstream", ".httpfstream\u00ad\u2060");
  for (const name of spellings) {
    assert.throws(() => resourcePath(`/${encodeURIComponent(name)}/a`), isRefused, JSON.stringify(name));
    assert.equal(isAddressable("", name), false, JSON.stringify(name));
  }
  for (const name of [".httpfstreams", "httpfstream", ".httpf stream", ".httpfstrea", ".httpfstreak"]) {
    assert.equal(resourcePath(`/${encodeURIComponent(name)}`), name);
    assert.equal(isAddressable("", name), true, name);
  }
});

test("an entry of a folder can be named by a URL unless its path would be refused", () => {
  assert.equal(isAddressable("a", RESERVED_SEGMENT), true);
  for (const folder of ["", "a"]) {
    for (const name of ["a.txt", "ü", "..a"]) assert.equal(isAddressable(folder, name), true, name);
    for (const name of ["", ".", "..", "a\\b", "a/b", "a\0b", "x".repeat(256)]) {
      assert.equal(isAddressable(folder, name), false, name);
    }
  }
});

test("no segments at all name the root", () => {
  assert.equal(checkedPath([]), "");
});

test("a refusal names the path as the client sent it, unless it is long", () => {
  const messageOf = (refuse: () => unknown): string => {
    try {
      return String(refuse());
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(
    messageOf(() => checkedPath(["a", "..", "b"])),
    /"\/a\/\.\.\/b" is refused/,
  );
  assert.match(
    messageOf(() => resourcePath("/a/%2e%2e")),
    /"\/a\/%2e%2e" is refused/,
  );
  assert.match(
    messageOf(() => resourcePath("/s/..", { skip: 1, sent: "/..?x" })),
    /"\/\.\.\?x" is refused/,
  );
  const long = `/..${"/a".repeat(98)}b`;
  assert.equal(long.length, 200);
  assert.ok(messageOf(() => resourcePath(long)).includes(JSON.stringify(long)), "200 characters are shown");
  assert.ok(messageOf(() => resourcePath(`${long}c`)).includes(JSON.stringify(`${long}…`)), "the rest is cut");
});

test("segments are measured in bytes", () => {
  assert.equal(resourcePath(`/${"x".repeat(SEGMENT_BYTES)}`), "x".repeat(SEGMENT_BYTES));
  const umlauts = "ü".repeat(Math.floor(SEGMENT_BYTES / 2));
  assert.equal(resourcePath(`/${encodeURIComponent(umlauts)}`), umlauts);
  assert.throws(() => resourcePath(`/${encodeURIComponent(`${umlauts}ü`)}`), isRefused);
  const long = Array.from({ length: 16 }, () => "x".repeat(SEGMENT_BYTES)).join("/");
  assert.equal(resourcePath(`/${long}`), long, "there may be many of them");
  assert.equal(long.length, PATH_BYTES - 1);
  assert.throws(() => resourcePath(`/${long}/x`), isRefused, "but the path has a limit, too");
});

test("one segment is decoded after the same checks", () => {
  assert.equal(resourceSegment("a%20b", "/u/a%20b"), "a b");
  for (const segment of ["", ".", "..", "a%2fb", "%", "%00", "x".repeat(SEGMENT_BYTES + 1)]) {
    assert.throws(() => resourceSegment(segment, "/u"), isRefused, segment);
  }
});

test("a refusal is short, however long the path is", () => {
  try {
    resourcePath(`/${"x".repeat(100_000)}`);
    assert.fail("it was not refused");
  } catch (error) {
    assert.ok(isRefused(error) && String(error).length < 500);
  }
});

test("every path survives the conversion to a URL and back", () => {
  const random = prng(33);
  const alphabet = [..."ab .%/?#&+\"'<>:;=@[]{}|^`~\n\t\u0001ü漢🜁e\u0301"];
  for (let round = 0; round < 2000; round++) {
    const length = 1 + Math.floor(random() * 12);
    const path = Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
    if (path.split("/").some((segment) => ["", ".", ".."].includes(segment))) continue;
    assert.equal(resourcePath(`/${urlPath(path)}`), path);
    assert.equal(resourcePath(new URL(`http://host/${urlPath(path)}`).pathname), path, "also through a URL");
  }
});
