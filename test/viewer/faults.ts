/**
 * What makes a page hard to use for some readers.
 * @module
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import { PROJECT } from "../fixture/processes.ts";
import type { Viewer } from "./page.ts";

const AXE = readFileSync(createRequire(join(PROJECT, "package.json")).resolve("axe-core/axe.min.js"), "utf8");

/** The faults that axe finds, with the elements that have them. */
export async function faultsOf({ page }: Viewer): Promise<string[]> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResults;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}
