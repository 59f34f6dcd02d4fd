/**
 * A node:test reporter for scripts/test.ts. Writes one line of JSON per started test and per result of a leaf test, and
 * a final line when the file has finished. A suite, or a test with subtests, counts only if it failed by itself.
 * @module
 */
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";
import type { ReportLine, TestResult } from "./test-result.ts";

type Outcome = Extract<TestEvent, { type: "test:pass" | "test:fail" }>;

/** The reporter that node:test calls. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  /** The names from the outermost suite down to the current test. */
  const trail: string[] = [];
  /** The nesting of the previous result. If it is deeper than the current one, the current one has children. */
  let lastNesting = -1;
  let lastMs = Date.now();

  for await (const event of source) {
    if (event.type === "test:start") {
      trail.length = event.data.nesting;
      trail.push(event.data.name);
      yield line({ kind: "start", name: trail.join(" > ") });
    }
    if (event.type === "test:pass" || event.type === "test:fail") {
      lastMs = Date.now();
      const { name, nesting } = event.data;
      const isLeaf = lastNesting <= nesting;
      lastNesting = nesting;
      const result = outcome(event, [...trail.slice(0, nesting), name].join(" > "), isLeaf);
      if (result) yield line(result);
    }
  }
  yield line({ kind: "end", idleMs: Date.now() - lastMs });
}

/** The reason in the name of a test, where a suite for any runner puts it. */
const IN_NAME = / \(skipped: (?<reason>.+)\)$/;

function outcome({ type, data }: Outcome, fullName: string, isLeaf: boolean): TestResult | undefined {
  const named = IN_NAME.exec(fullName)?.groups?.["reason"];
  const name = named === undefined ? fullName : fullName.replace(IN_NAME, "");
  const reason = skipReason(data.skip, named ?? "no reason given") ?? skipReason(data.todo, "to do");
  if (reason !== undefined) return isLeaf ? { kind: "skip", name, reason } : undefined;
  if (type === "test:pass") return isLeaf && data.details.type !== "suite" ? { kind: "pass", name } : undefined;
  const { error } = data.details;
  // The failed subtests are already counted.
  if ("failureType" in error && error.failureType === "subtestsFailed") return undefined;
  return { kind: "fail", name, error: inspect(error.cause ?? error) };
}

function skipReason(value: string | boolean | undefined, otherwise: string): string | undefined {
  if (value === undefined || value === false) return undefined;
  return typeof value === "string" && value !== "" ? value : otherwise;
}

function line(record: ReportLine): string {
  return `${JSON.stringify(record)}\n`;
}
