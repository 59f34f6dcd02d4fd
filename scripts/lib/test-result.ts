/**
 * What comes of a test, and how many of what.
 * @module
 */

/** The outcome of one test or check. */
export interface TestResult {
  readonly kind: "pass" | "skip" | "fail";
  /** Its name, with the names of the suites around it. */
  readonly name: string;
  /** Why it was skipped. */
  readonly reason?: string;
  /** What went wrong, as text. */
  readonly error?: string;
}

/** A line of a test file's report: a result, or where the file has got to. */
export type ReportLine = TestResult | { readonly kind: "start"; readonly name: string } | { readonly kind: "end" };

/**
 * How many passed, failed and were skipped.
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
