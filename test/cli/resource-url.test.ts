import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUrl } from "../../src/cli/common/resource-url.ts";
import { command } from "./commands.ts";

describe("the URL of a resource on the command line", () => {
  it("is accepted unchanged if it is unambiguous, with or without parameters", () => {
    for (const url of [
      "http://h/a.log",
      "https://me:secret@h:8080/a%23b%3Fc%5Cd%20.log",
      "ws://h/ä/ö ü.log",
      "http://h/a?verb=FOLLOW",
      "http://h/a?offset=5&access_token=x.y=?",
      "http://h/a?tail=10&stay",
      "http://h/a?X-Amz-Signature=0",
    ]) {
      assert.equal(parseUrl(url), url);
    }
  });

  it("is refused if it would name another resource, with the escaped form", () => {
    const cases: [string, RegExp][] = [
      ["http://h/build#42.log", /"#".* http:\/\/h\/build%2342\.log$/],
      ["http://h/#a#b?tail=1", / http:\/\/h\/%23a%23b\?tail=1$/],
      ["http://h/what?.log", /"\?".* http:\/\/h\/what%3F\.log$/],
      ["http://h/index.html?id=1", / http:\/\/h\/index\.html%3Fid=1$/],
      ["http://h/a?verb=APPEND&x=1", /%3F/],
      ["http://h/a?", / http:\/\/h\/a%3F$/],
      ["http://h/dir\\file.log", /"\\".* http:\/\/h\/dir%5Cfile\.log$/],
      ["http://h/a\tb", /white space.* http:\/\/h\/a%09b$/],
      ["http://h/a ", / http:\/\/h\/a%20$/],
    ];
    for (const [url, pattern] of cases) assert.throws(() => parseUrl(url), { message: pattern }, url);
  });

  it("ends the commands with exit code 2 before anything is sent", async () => {
    for (const name of ["a#b", "a?b", "a\\b"]) {
      for (const verb of ["append", "follow"]) {
        // An attempt to connect would report that no server is there, and exit with 1.
        const refused = await command([verb, `http://127.0.0.1:1/${name}`]);
        assert.equal(refused.exit.code, 2, refused.output);
        assert.match(String(refused.stderr.bytes()), /^httpfstream \w+: .*Write %[0-9A-F]{2}, as in http:\S+\n$/);
      }
    }
  });
});
