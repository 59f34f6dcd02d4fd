import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { followCommand } from "../../src/cli/follow/mod.ts";
import { fromGoFlags } from "../../src/cli/go-flags.ts";
import { serveCommand } from "../../src/cli/serve/mod.ts";

const serve = serveCommand("httpfstream-server", () => {});
const follow = followCommand("httpfstream-follow", () => {});

describe("flags in the style of the original", () => {
  it("take one dash or two, and their value after = or as the next argument", () => {
    const wanted = ["--root=/tmp/x", "--http=:8080"];
    assert.deepEqual(fromGoFlags(["-root=/tmp/x", "-http=:8080"], serve), wanted);
    assert.deepEqual(fromGoFlags(["--root=/tmp/x", "--http=:8080"], serve), wanted);
    assert.deepEqual(fromGoFlags(["-root", "/tmp/x", "-http", ":8080"], serve), [
      "--root",
      "/tmp/x",
      "--http",
      ":8080",
    ]);
    assert.deepEqual(fromGoFlags(["-root", "-http"], serve), ["--root", "-http"], "a value that looks like a flag");
    assert.deepEqual(fromGoFlags(["-root="], serve), ["--root="]);
    assert.deepEqual(fromGoFlags(["-root"], serve), ["--root"], "its absence is for others to tell");
  });

  it("are switched on alone, or set to a boolean", () => {
    assert.deepEqual(fromGoFlags(["-v", "url"], follow), ["--verbose", "url"]);
    assert.deepEqual(fromGoFlags(["-v=true", "--v=1", "url"], follow), ["--verbose", "--verbose", "url"]);
    assert.deepEqual(fromGoFlags(["-v=false", "url"], follow), ["url"]);
    assert.deepEqual(fromGoFlags(["-help"], follow), ["--help"]);
    assert.deepEqual(fromGoFlags(["-h"], follow), ["-h"]);
  });

  it("leave unknown flags and everything after -- unchanged", () => {
    const others = ["-x", "-rot=1", "--unknown", "-", "http://host/-root=1", "-v=maybe"];
    assert.deepEqual(fromGoFlags(others, follow), others);
    assert.deepEqual(fromGoFlags(["--", "-v"], follow), ["--", "-v"]);
    assert.deepEqual(fromGoFlags(["--tail", "5", "-H", "A: b", "-o", "-v"], follow), [
      "--tail",
      "5",
      "--header",
      "A: b",
      "--output",
      "-v",
    ]);
  });
});
