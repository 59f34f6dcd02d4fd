/**
 * Assertions for the suite, without the modules of a test runner.
 * @module
 */

/** What the cases check with. Failures throw an `Error`. */
export interface Assert {
  /** Expects a truthy value. */
  ok(value: unknown, message?: string): asserts value;
  /** Expects the same value, as `Object.is` compares. */
  equal(actual: unknown, expected: unknown, message?: string): void;
  /** Expects another value. */
  notEqual(actual: unknown, unexpected: unknown, message?: string): void;
  /** Expects equal arrays, objects, and values in them. */
  deepEqual(actual: unknown, expected: unknown, message?: string): void;
  /** Expects a text that matches. */
  match(text: string, pattern: RegExp, message?: string): void;
  /** Expects a rejection, with this very error or one that a function accepts. Default: any. */
  rejects(promise: Promise<unknown>, expected?: Error | ((error: unknown) => boolean)): Promise<void>;
  /** Fails. */
  fail(message: string): never;
}

/** The assertions. */
export const assert: Assert = {
  ok(value, message = "expected something") {
    if (!value) assert.fail(message);
  },
  equal(actual, expected, message) {
    if (!Object.is(actual, expected)) assert.fail(difference(actual, expected, message));
  },
  notEqual(actual, unexpected, message) {
    if (Object.is(actual, unexpected)) assert.fail(`${prefix(message)}expected another value than ${shown(actual)}`);
  },
  deepEqual(actual, expected, message) {
    if (!isSame(actual, expected)) assert.fail(difference(actual, expected, message));
  },
  match(text, pattern, message) {
    if (!pattern.test(text)) assert.fail(`${prefix(message)}expected ${pattern}, got ${shown(text)}`);
  },
  async rejects(promise, expected = () => true) {
    const outcome = await promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if (!("error" in outcome)) assert.fail(`expected an error, got ${shown(outcome.value)}`);
    const { error } = outcome;
    const isExpected = typeof expected === "function" ? expected(error) : error === expected;
    if (!isExpected) assert.fail(`expected another error than ${String(error)}`);
  },
  fail(message) {
    throw new Error(message);
  },
};

function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [a, b] = [Object.entries(one), Object.entries(other)];
  const values = new Map(b);
  return a.length === b.length && a.every(([key, value]) => values.has(key) && isSame(value, values.get(key)));
}

function difference(actual: unknown, expected: unknown, message: string | undefined): string {
  return `${prefix(message)}expected ${shown(expected)}, got ${shown(actual)}`;
}

function prefix(message: string | undefined): string {
  return message === undefined ? "" : `${message}: `;
}

function shown(value: unknown): string {
  return typeof value === "object"
    ? JSON.stringify(value)
    : typeof value === "string"
      ? JSON.stringify(value)
      : String(value);
}
