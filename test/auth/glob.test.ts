import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { addGrants, Rights } from "../../src/auth/grants.ts";
import { Glob, segmentsOf } from "../../src/support/glob.ts";
import { runsOf } from "../fixture/short.ts";

function matches(pattern: string, path: string): boolean {
  return new Glob(pattern).matches(segmentsOf(path.slice(1)));
}

/** The rule as a recursive definition, which takes exponential time. */
function matchesByDefinition([first, ...rest]: readonly string[], path: readonly string[]): boolean {
  if (first === undefined) return path.length === 0;
  if (first === "**")
    return path.some((_, at) => matchesByDefinition(rest, path.slice(at))) || matchesByDefinition(rest, []);
  return path[0] !== undefined && runMatches(first, path[0]) && matchesByDefinition(rest, path.slice(1));
}

function runMatches(pattern: string, name: string): boolean {
  if (pattern === "") return name === "";
  if (pattern.startsWith("*")) {
    return runMatches(pattern.slice(1), name) || (name !== "" && runMatches(pattern, name.slice(1)));
  }
  return name.startsWith(pattern.charAt(0)) && runMatches(pattern.slice(1), name.slice(1));
}

const name = fc.string({ unit: fc.constantFrom("a", "b", "ä", "."), minLength: 1, maxLength: 5 });
const pathSegments = fc.array(
  name.filter((text) => !/^\.\.?$/.test(text)),
  { maxLength: 5 },
);
const patternSegment = fc
  .string({ unit: fc.constantFrom("a", "b", "ä", ".", "*"), minLength: 1, maxLength: 5 })
  .filter((text) => !/^\.\.?$|\*\*/.test(text));
const patternSegments = fc.array(fc.oneof({ weight: 2, arbitrary: patternSegment }, fc.constant("**")), {
  maxLength: 5,
});

describe("globs", () => {
  const cases: [pattern: string, path: string, matches: boolean][] = [
    ["/", "/", true],
    ["/", "/a", false],
    ["/**", "/", true],
    ["/**", "/a/b", true],
    ["/*", "/", false],
    ["/*", "/a", true],
    ["/*", "/a/b", false],
    ["/build/**", "/build", true],
    ["/build/**", "/build/a/b", true],
    ["/build/**", "/builds", false],
    ["/build/*.log", "/build/42.log", true],
    ["/build/*.log", "/build/.log", true],
    ["/build/*.log", "/build/42.LOG", false],
    ["/build/*.log", "/build/a/42.log", false],
    ["/**/x/**/y", "/x/y", true],
    ["/**/x/**/y", "/a/x/b/c/y", true],
    ["/**/x/**/y", "/a/y/b/c/x", false],
    ["/a?[b]{c,d}!\\*", "/a?[b]{c,d}!\\e", true],
    ["/a?", "/ab", false],
    ["/[ab]", "/a", false],
    ["/{a,b}", "/a", false],
    ["/a%20b", "/a b", false],
    ["/+(a|b).$^", "/+(a|b).$^", true],
    ["/\u00e9", "/e\u0301", false],
  ];
  for (const [pattern, path, expected] of cases) {
    test(`${pattern} ${expected ? "matches" : "does not match"} ${path}`, () => {
      assert.equal(matches(pattern, path), expected);
    });
  }

  test("a pattern that is none, or can't match, is refused with its reason", () => {
    const wrong: [string, RegExp][] = [
      ["", /must begin with a slash/],
      ["a", /must begin with a slash/],
      ["**", /must begin with a slash/],
      ["//", /empty segment/],
      ["/a/", /slash at its end/],
      ["/a//b", /empty segment/],
      ["/a/../b", /no path has a segment "\.\."/],
      ["/.", /no path has/],
      ["/a**", /must be a whole segment/],
      ["/***", /must be a whole segment/],
      [`/${"a".repeat(1024)}`, /more than 1024 characters/],
    ];
    for (const [pattern, reason] of wrong) assert.throws(() => new Glob(pattern), reason, pattern);
  });

  test("all match what the definition says", () => {
    fc.assert(
      fc.property(patternSegments, pathSegments, (pattern, path) => {
        assert.equal(new Glob(`/${pattern.join("/")}`).matches(path), matchesByDefinition(pattern, path));
      }),
      { numRuns: runsOf(3_000) },
    );
  });

  test("a folder is reached into exactly if some path in it, or the folder itself, can match", () => {
    const below = fc.array(name, { maxLength: 3 });
    fc.assert(
      fc.property(patternSegments, pathSegments, below, (pattern, folder, rest) => {
        const glob = new Glob(`/${pattern.join("/")}`);
        if (glob.matches([...folder, ...rest])) assert.ok(glob.reachesInto(folder));
        if (!glob.reachesInto(folder)) return;
        // What is left of the pattern, with its stars left empty, is a path below the folder that matches.
        const completions = pattern.map((_, at) => pattern.slice(at)).concat([[]]);
        const paths = completions.map((left) => left.filter((part) => part !== "**"));
        assert.ok(paths.some((left) => matchesByDefinition(pattern, [...folder, ...left])));
      }),
      { numRuns: runsOf(3_000) },
    );
  });

  test("patterns that make other matchers backtrack take few steps", () => {
    const segment = "a".repeat(255);
    assert.equal(matches(`/${"*a".repeat(400)}b`, `/${segment}`), false);
    assert.equal(matches(`/${"**/a/".repeat(100)}b`, `/${Array.from({ length: 2000 }, () => "a").join("/")}`), false);
  });
});

describe("grants", () => {
  const rights = new Rights({ read: ["/build/**", "/*/out/*.log"], append: ["/build/42.log"] });

  test("an action is allowed on its own paths only, and an absent one nowhere", () => {
    assert.equal(rights.allows("read", "build/42.log"), true);
    assert.equal(rights.allows("append", "build/42.log"), true);
    assert.equal(rights.allows("append", "build/43.log"), false);
    assert.equal(rights.allows("list", "build"), false);
    assert.equal(rights.allows("delete", "build/42.log"), false);
  });

  test("a listing shows what may be read, and the folders that lead there", () => {
    const shown: [string, boolean, boolean][] = [
      ["build", true, true],
      ["build/a", true, true],
      ["build/a", false, true],
      ["other", true, true],
      ["other", false, false],
      ["other/out", true, true],
      ["other/out/x.log", false, true],
      ["other/out/x.txt", false, false],
      ["other/in", true, false],
      ["other/out/x.log/deeper", true, false],
    ];
    for (const [path, isFolder, expected] of shown) assert.equal(rights.shows(path, isFolder), expected, path);
  });

  test("malformed grants are refused, and unknown actions ignored", () => {
    for (const grants of [null, [], "read", 1, { read: "/a" }, { read: [1] }, { read: ["a"] }, { list: null }]) {
      assert.throws(() => new Rights(grants), TypeError, JSON.stringify(grants));
    }
    assert.equal(new Rights({ admin: "yes", __proto__: { read: ["/**"] } }).allows("read", "a"), false);
  });

  test("users write them as ACTION=PATH", () => {
    assert.deepEqual(addGrants("read=/public/**"), { read: ["/public/**"] });
    assert.deepEqual(addGrants("read,list=/x/** append=/in a box/*", { read: ["/"] }), {
      read: ["/", "/x/**"],
      list: ["/x/**"],
      append: ["/in a box/*"],
    });
    for (const wrong of ["", "read", "/a", "read=", "read=a", "write=/a", "read,=/a", "=/a", "read=/a//"]) {
      assert.throws(() => addGrants(wrong), TypeError, wrong);
    }
  });
});
