/** The script that installs Debian packages, with programs in place of Debian's. */
import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { PROJECT, Program } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const LOCKED = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)";

describe("scripts/debian.sh", () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder("debian");
    await put("dpkg-query", '[[ "$*" = *there ]] && echo -n installed');
    await put("sudo", 'while [[ "$1" = -* ]]; do shift; done; exec "$@"');
  });
  after(() => removeFolder(folder));

  /** Puts a program into the path of the script. */
  async function put(name: string, script: string): Promise<void> {
    await writeFile(join(folder, name), `#!/bin/bash\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }

  async function install(...packages: string[]): Promise<{ code: number | null; output: string; calls: string }> {
    await writeFile(join(folder, "calls"), "");
    const env = { PATH: `${folder}:${process.env.PATH}`, FOLDER: folder };
    const program = new Program(join(PROJECT, "scripts", "debian.sh"), packages, { env });
    const { code } = await program.exited;
    return { code, output: program.output, calls: await readFile(join(folder, "calls"), "utf8") };
  }

  it("installs what is missing, and waits while another program holds apt's lock", async () => {
    const once = `[ -e "$FOLDER/done-$2" ] || { touch "$FOLDER/done-$2"; echo "${LOCKED}" >&2; exit 100; }`;
    await put("apt-get", `echo "$*" >> "$FOLDER/calls"\n${once}`);
    const { code, output, calls } = await install("there", "missing");
    assert.equal(code, 0, output);
    assert.match(calls, /^-qq update\n-qq update\n(-qq -o .* install .* missing\n){2}$/);
    assert.doesNotMatch(calls, /there/);
    assert.match(output, /Waiting for another program/);
  });

  it("fails with the message of apt if anything else is wrong, and asks nothing if nothing is missing", async () => {
    await put("apt-get", 'echo "$*" >> "$FOLDER/calls"\necho "E: Unable to locate it" >&2\nexit 100');
    const { code, output, calls } = await install("missing");
    assert.deepEqual([code, calls], [1, "-qq update\n"]);
    assert.match(output, /E: Unable to locate it/);
    assert.deepEqual(await install("there"), { code: 0, output: "", calls: "" });
  });
});
