/** The commands that make keys and tokens. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { decodeJwt, decodeProtectedHeader, type JWK } from "jose";
import { ALGORITHMS } from "../../src/auth/algorithms.ts";
import { jwt } from "../../src/auth/mod.ts";
import { present } from "../auth/tokens.ts";
import { executable, PROJECT, RUNTIMES } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { command } from "./commands.ts";

let folder: string;
before(async () => {
  folder = await temporaryFolder("tokens");
});
after(() => removeFolder(folder));

/** Runs a command that must succeed without a message, and returns its output without the line break at its end. */
async function printed(args: readonly string[], options: Parameters<typeof command>[1] = {}): Promise<string> {
  const { exit, stdout, stderr } = await command(args, options);
  assert.deepEqual([exit.code, String(stderr.bytes())], [0, ""]);
  assert.match(String(stdout.bytes()), /^[^\n]+\n$/);
  return String(stdout.bytes()).trimEnd();
}

/** Writes a key file that only its owner can read. */
async function keyFile(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

describe("httpfstream key and token", () => {
  for (const algorithm of ALGORITHMS) {
    it(`${algorithm}: the token allows what its options say, at a server that has the key`, async () => {
      const key = await printed(["key", "--algorithm", algorithm]);
      const jwk = JSON.parse(key) as JWK;
      assert.deepEqual([jwk.alg, jwk.use, typeof jwk.kid], [algorithm, "sig", "string"]);
      const file = await keyFile(`${algorithm}.json`, `${key}\n`);
      const paths = ["--append", "/build/42.log", "--read", "/build/**", "--read", "/x", "--list", "/"];
      const token = await printed(["token", "--key", file, ...paths, "--delete", "/tmp/*", "--expires", "2h"]);
      assert.equal(decodeProtectedHeader(token).kid, jwk.kid);
      const { httpfstream, iat = 0, exp = 0 } = decodeJwt(token);
      assert.deepEqual(httpfstream, {
        read: ["/build/**", "/x"],
        list: ["/"],
        append: ["/build/42.log"],
        delete: ["/tmp/*"],
      });
      assert.equal(exp - iat, 7200);
      const gate = jwt({ keys: jwk });
      assert.equal((await present(gate, token, { action: "append", path: "build/42.log" })).code, "allowed");
      assert.equal((await present(gate, token, { action: "append", path: "build/43.log" })).code, "forbidden");
      if (algorithm === "HS256") return;

      const jwks = JSON.parse(await printed(["key", "--public", file])) as { keys: JWK[] };
      assert.deepEqual(
        jwks.keys.map(({ d, k, kid }) => [d, k, kid]),
        [[undefined, undefined, jwk.kid]],
      );
      assert.equal((await present(jwt({ keys: jwks }), token, { path: "x" })).code, "allowed");
    });
  }

  for (const runtime of RUNTIMES) {
    it(`${runtime}: the key is read from standard input, and the URL of --link has the token`, async () => {
      const key = await printed(["key"], { runtime });
      const link = "http://localhost:8080/build/42.log?tail=10";
      const options = ["--key", "-", "--read", "/build/42.log", "--expires", "never", "--audience", "ci"];
      const line = ["token", ...options, "--subject", "ada", "--link", link];
      const url = await printed(line, { runtime, input: key });
      const [start, token = ""] = url.split("&access_token=");
      assert.equal(start, link);
      const { exp, aud, sub } = decodeJwt(token);
      assert.deepEqual([exp, aud, sub], [undefined, "ci", "ada"]);
      const gate = jwt({ keys: JSON.parse(key) as JWK, audience: "ci" });
      assert.equal((await present(gate, token, { path: "build/42.log" })).code, "allowed");
    });
  }

  it("warn about a file with a secret that others can read, and about no other", async () => {
    const file = await keyFile("open.json", await printed(["key", "--algorithm", "ES256"]));
    await chmod(file, 0o644);
    const { exit, stdout, stderr } = await command(["token", "--key", file, "--read", "/a", "--expires", "1s"]);
    assert.equal(exit.code, 0);
    assert.match(String(stdout.bytes()), /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    assert.match(String(stderr.bytes()), /^warning: other users can read the key in .*: chmod 600 .*\n$/);
    await chmod(file, 0o600);
    const jwks = await printed(["key", "--public", file]);
    const open = join(folder, "jwks.json");
    await writeFile(open, jwks, { mode: 0o644 });
    assert.equal(await printed(["key", "--public", open]), jwks);
  });

  it("warn about a new key that is written to a file that others can read", async () => {
    const bun = await executable("bun");
    const run = (umask: string, name: string): string => {
      const script = `umask ${umask}; exec "$0" mod.ts key > "$1"`;
      return spawnSync("bash", ["-c", script, bun, join(folder, name)], { cwd: PROJECT, encoding: "utf8" }).stderr;
    };
    assert.match(run("022", "new.json"), /^warning: other users can read the file/);
    assert.equal(run("077", "own.json"), "");
    assert.equal((await stat(join(folder, "own.json"))).mode & 0o777, 0o600);
    assert.ok(JSON.parse(await readFile(join(folder, "own.json"), "utf8")));
  });

  const wrong: [string[], RegExp][] = [
    [["key", "--algorithm", "none"], /Allowed choices are HS256/],
    [["key", "--algorithm", "ES256", "--public", "f"], /cannot be used with/],
    [["token", "--read", "/a", "--expires", "1h"], /required option '--key <file>' not specified/],
    [["token", "--key", "k", "--read", "/a"], /required option '--expires <duration>' not specified/],
    [["token", "--key", "k", "--expires", "1h"], /would allow nothing/],
    [["token", "--key", "k", "--expires", "1h", "--read", "a"], /must begin with a slash/],
    [["token", "--key", "k", "--expires", "1h", "--append", "/a**"], /must be a whole segment/],
    [["token", "--key", "k", "--expires", "1h", "--read", "/a", "--subject", ""], /It is empty/],
    [["token", "--key", "k", "--expires", "1h", "--read", "/a", "--link", "a"], /is not a URL/],
    [["token", "--key", "k", "--expires", "1h", "--read", "/a", "--link", "http://h/?access_token=x"], /has a token/],
    ...["", "2", "h", "0h", "1.5h", "-1h", "2 h", "2w", "2H", "99999d", "1e3s"].map((text): [string[], RegExp] => [
      ["token", "--key", "k", "--read", "/a", `--expires=${text}`],
      /whole number, followed by s, m, h or d/,
    ]),
  ];
  for (const [args, pattern] of wrong) {
    it(`${args.join(" ")} is wrong, and one line on standard error says why`, async () => {
      const { exit, stdout, stderr } = await command(args);
      assert.deepEqual([exit.code, String(stdout.bytes())], [2, ""], String(stderr.bytes()));
      assert.match(String(stderr.bytes()), pattern);
      assert.match(String(stderr.bytes()), /^[^\n]+\n$/);
    });
  }

  it("a key that can't be used is an error that names the file, and quotes nothing of it", async () => {
    const weak = JSON.stringify({ kty: "oct", k: "c2VjcmV0" });
    const bad: [string, RegExp][] = [
      ["secret-in-no-format", /neither a JWK/],
      ["{secret", /neither a JWK/],
      [weak, /secret has 6 bytes/],
      ["-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", /openssl pkcs8/],
    ];
    for (const [text, reason] of bad) {
      const file = await keyFile("bad.json", text);
      const { exit, stderr } = await command(["token", "--key", file, "--read", "/a", "--expires", "1h"]);
      const said = String(stderr.bytes());
      assert.equal(exit.code, 1);
      assert.match(said, /^httpfstream token: The key in .*bad\.json can't be used: /);
      assert.match(said, reason);
      assert.doesNotMatch(said, /secret-in|c2Vj/);
    }
    const { exit, stderr } = await command(["key", "--public", join(folder, "missing.json")]);
    assert.deepEqual([exit.code, /can't be used: no such file\.\n$/.test(String(stderr.bytes()))], [1, true]);
  });

  it("a public key does not sign, and a secret has no public half", async () => {
    const pair = await keyFile("pair.json", await printed(["key", "--algorithm", "EdDSA"]));
    const half = await keyFile("half.json", await printed(["key", "--public", pair]));
    const signing = await command(["token", "--key", half, "--read", "/a", "--expires", "1h"]);
    assert.equal(signing.exit.code, 1);
    assert.match(String(signing.stderr.bytes()), /half\.json is public, and can't sign/);
    const secret = await keyFile("secret.json", await printed(["key"]));
    const showing = await command(["key", "--public", secret]);
    assert.deepEqual([showing.exit.code, String(showing.stdout.bytes())], [1, ""]);
    assert.match(String(showing.stderr.bytes()), /has no public half/);
  });
});
