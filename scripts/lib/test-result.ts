/**
 * The result of a test, and totals of results.
 * @module
 */

/** The result of one test or check. */
export interface TestResult {
  readonly kind: "pass" | "skip" | "fail";
  /** Its name, preceded by the names of the suites that contain it. */
  readonly name: string;
  /** Why it was skipped; set for `skip`. */
  readonly reason?: string;
  /** What went wrong; set for `fail`. */
  readonly error?: string;
}

/** A line of a test file's report: a result, the start of a test, or the end of the file. */
export type ReportLine = TestResult | { readonly kind: "start"; readonly name: string } | ReportEnd;

/** The end of a test file. */
export interface ReportEnd {
  readonly kind: "end";
  /** Milliseconds since the last test, in which something kept the process alive. */
  readonly idleMs: number;
}

/**
 * Formats how many results passed, failed and were skipped.
 *
 * @example
 * ```ts
 * counts([{ kind: "pass", name: "adds" }]); // "1 passed, 0 failed"
 * ```
 */
export function counts(results: readonly TestResult[]): string {
  const count = (wanted: TestResult["kind"]): number => results.filter(({ kind }) => kind === wanted).length;
  const skipped = count("skip");
  return `${count("pass")} passed, ${count("fail")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
