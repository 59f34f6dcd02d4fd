/**
 * A node:test reporter for scripts/test.ts: one line of JSON for each leaf test, and a last one that says that the
 * file came to its end. A suite, or a test with subtests, only counts when it failed by itself.
 * @module
 */
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";
import type { ReportLine, TestResult } from "./test-result.ts";

type Outcome = Extract<TestEvent, { type: "test:pass" | "test:fail" }>;

/** The reporter, as node:test calls it. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  /** The names from the outermost suite down to what runs now. */
  const trail: string[] = [];
  /** How deep the last result was: deeper than this one means that this one has children. */
  let lastNesting = -1;

  for await (const event of source) {
    if (event.type === "test:start") {
      trail.length = event.data.nesting;
      trail.push(event.data.name);
      yield line({ kind: "start", name: trail.join(" > ") });
    }
    if (event.type === "test:pass" || event.type === "test:fail") {
      const { name, nesting } = event.data;
      const isLeaf = lastNesting <= nesting;
      lastNesting = nesting;
      const result = outcome(event, [...trail.slice(0, nesting), name].join(" > "), isLeaf);
      if (result) yield line(result);
    }
  }
  yield line({ kind: "end" });
}

function outcome({ type, data }: Outcome, name: string, isLeaf: boolean): TestResult | undefined {
  const reason = waiver(data.skip, "no reason given") ?? waiver(data.todo, "to do");
  if (reason !== undefined) return isLeaf ? { kind: "skip", name, reason } : undefined;
  if (type === "test:pass") return isLeaf && data.details.type !== "suite" ? { kind: "pass", name } : undefined;
  const { error } = data.details;
  // The failed subtests are counted already.
  if ("failureType" in error && error.failureType === "subtestsFailed") return undefined;
  return { kind: "fail", name, error: inspect(error.cause ?? error) };
}

function waiver(value: string | boolean | undefined, otherwise: string): string | undefined {
  if (value === undefined || value === false) return undefined;
  return typeof value === "string" && value !== "" ? value : otherwise;
}

function line(record: ReportLine): string {
  return `${JSON.stringify(record)}\n`;
}
