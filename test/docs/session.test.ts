/** The README's picture shows the current output of the programs. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ROOT } from "../../scripts/lib/install.mjs";
import { recordSession } from "../../scripts/lib/session.ts";
import { drawTerminals } from "../../scripts/lib/terminal-svg.ts";
import { isLine } from "./expected-output.ts";

const missing = ["tmux", "make"].find((program) => spawnSync("which", [program]).status !== 0);
const skip = missing !== undefined && `${missing} is not installed; run scripts/debian.sh ${missing}`;

describe("docs/session.svg", { skip, timeout: 120_000 }, () => {
  it("ends with what the programs print", async () => {
    const drawn = lastLines(await readFile(join(ROOT, "docs", "session.svg"), "utf8"));
    const now = lastLines(drawTerminals(await recordSession(), "now"));
    for (const line of drawn)
      assert.ok(
        now.some((other) => isSame(line, other)),
        `no program prints: ${line}`,
      );
    for (const line of now)
      assert.ok(
        drawn.some((other) => isSame(line, other)),
        `it lacks: ${line}`,
      );
  });
});

/** The lines that are visible at the end. */
function lastLines(svg: string): string[] {
  return [...svg.matchAll(/<text class="on[^>]*>([^<]*)</g)].map(([, text = ""]) => text);
}

/** Compares lines without their rates, which differ each time. */
function isSame(one: string, other: string): boolean {
  const withoutRate = (line: string): string => line.replace(/\d+ B\/s/, "… B/s");
  return isLine(withoutRate(one), withoutRate(other));
}
