import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { VERSION } from "../../src/cli/common/version.ts";
import { command, startProgram } from "./commands.ts";

describe("the usage of the commands", () => {
  it("the version is the package's", async () => {
    const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
    assert.equal(VERSION, version);
    const { exit, stdout } = await command(["--version"]);
    assert.deepEqual([exit.code, String(stdout.bytes())], [0, `${version}\n`]);
  });

  const helps: [string[], RegExp[]][] = [
    [["--help"], [/^Usage: httpfstream /, /serve/, /append/, /follow/, /\$ make 2>&1 \| httpfstream append /]],
    [
      ["serve", "--help"],
      [/--root <dir>/, /--http /, /env: HTTPFSTREAM_ROOT/, /idleTimeoutMs=0/, /\$ httpfstream serve/],
    ],
    [
      ["append", "--help"],
      [
        /<url> \[file\]/,
        /--verbose/,
        /--resume-file <file>/,
        /--retry-for <duration> .*120s/s,
        /130 interrupted/,
        /\$ httpfstream append -v http/,
      ],
    ],
    [
      ["follow", "--help"],
      [
        /--tail <n>/,
        /--offset <n>/,
        /--wait/,
        /--output <file>/,
        /--retry-for <duration>/,
        /\$ httpfstream follow --wait/,
      ],
    ],
    [["help", "follow"], [/--tail <n>/]],
  ];
  for (const [args, patterns] of helps) {
    it(`${args.join(" ")} prints help with examples on standard output`, async () => {
      const { exit, stdout, stderr } = await command(args);
      assert.deepEqual([exit.code, String(stderr.bytes())], [0, ""]);
      for (const pattern of patterns) assert.match(String(stdout.bytes()), pattern);
    });
  }

  const wrong: [string[], RegExp][] = [
    [["append"], /missing required argument 'url'/],
    [["append", "foo"], /"foo" is not a URL that begins with http/],
    [["append", "http://host/a", "b", "c"], /too many arguments/],
    [["follow"], /missing required argument 'url'/],
    [["follow", "http://host/a", "--tail", "x"], /--tail .* whole number of bytes/],
    [["follow", "http://host/a", "--offset", "-1"], /--offset .* whole number of bytes/],
    [["follow", "http://host/a", "--tail", "1", "--offset", "1"], /cannot be used with/],
    [["follow", "http://host/a", "--tail", "1", "--output", "f"], /cannot be used with/],
    [["follow", "http://host/a", "--retry-for", "soon"], /--retry-for .* such as 90s or 2h/],
    [["append", "http://host/a", "--resume-file", "package.json"], /package\.json is not a resume file/],
    [["follow", "http://host/a", "--header", "nonsense"], /Name: value/],
    [["follow", "http://host/a", "--bogus"], /unknown option '--bogus'/],
    [["serve", "--http", "nowhere"], /HOST:PORT/],
    [["serve", "--log-format", "xml"], /Allowed choices are text, json/],
    [["serve", "--limit", "gracems=1"], /There is no limit "gracems"\. Did you mean "graceMs"\?/],
    [["serve", "--limit", "bogus=1"], /There is no limit "bogus"\. --help lists the limits\./],
    [["serve", "--limit", "followerBudgetBytes=99999999"], /from 1 to 1048576/],
    [["serve", "--limit", "idleTimeoutMs=soon"], /NAME=VALUE/],
    [["serve", "--root", "/tmp", "--origin", "http://host/path"], /is not an origin/],
    [["serve", "extra"], /'extra' is invalid .*HOST:PORT/],
    [["serve", "8080", "extra"], /too many arguments/],
  ];
  for (const [args, pattern] of wrong) {
    it(`${args.join(" ")} is wrong, and one line on standard error says why`, async () => {
      const { exit, stdout, stderr } = await command(args);
      const said = String(stderr.bytes());
      assert.deepEqual([exit.code, String(stdout.bytes())], [2, ""], said);
      assert.match(said, pattern);
      assert.match(said, /^[^\n]+\n$/);
    });
  }

  it("the program without a command shows its help, and fails", async () => {
    const program = await startProgram("httpfstream", []);
    assert.equal((await program.end()).code, 2);
    assert.match(String(program.stderr.bytes()), /^Usage: httpfstream /);
    const unknown = await startProgram("httpfstream", ["sing"]);
    assert.equal((await unknown.end()).code, 2);
    assert.equal(String(unknown.stderr.bytes()), "httpfstream: unknown command 'sing'\n");
  });

  it("the programs of the original print help under their own names", async () => {
    const calls = { "httpfstream-server": "-help", "httpfstream-append": "-h", "httpfstream-follow": "--help" };
    for (const [name, flag] of Object.entries(calls)) {
      const program = await startProgram(name, [flag]);
      assert.equal((await program.end()).code, 0);
      assert.match(String(program.stdout.bytes()), new RegExp(`^Usage: ${name} \\[options\\]`));
    }
  });
});
