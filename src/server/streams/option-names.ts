/**
 * Checks the options of methods. A mistyped name would silently have no effect.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/**
 * Checks that the options are an object, that all of them exist, and that `signal` is one.
 *
 * @param names All options that the method has.
 * @param method For the message.
 * @throws {StreamError} `bad_request` for anything else.
 * @example
 * ```ts
 * checkNames({ generation: "a" }, { generation: true }, "remove");
 * ```
 */
export function checkNames<Options extends object>(
  options: Options,
  names: Readonly<Record<keyof Options, true>>,
  method: string,
): void {
  if (typeof options !== "object" || options === null) {
    throw new StreamError(
      "bad_request",
      `The options of ${method}() must be an object, not ${options === null ? "null" : typeof options}.`,
    );
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown !== undefined) {
    const all = Object.keys(names).join(", ");
    throw new StreamError("bad_request", `"${unknown}" is not an option of ${method}(); it has ${all}.`);
  }
  const { signal } = options as { readonly signal?: unknown };
  if (signal === undefined || signal === null || isSignal(signal)) return;
  throw new StreamError("bad_request", `The option "signal" of ${method}() must be an AbortSignal.`);
}

/**
 * Checks that options are numbers of bytes, where they are given.
 *
 * @throws {StreamError} `bad_request` for anything else.
 * @example
 * ```ts
 * checkBytes({ from: "3" }, "read"); // throws
 * ```
 */
export function checkBytes(options: Readonly<Record<string, unknown>>, method: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) continue;
    throw new StreamError(
      "bad_request",
      `The option "${name}" of ${method}() must be a whole number of bytes, not ${shown(value)}.`,
    );
  }
}

/**
 * Checks that options are true or false, where they are given: any text would count as true.
 *
 * @throws {StreamError} `bad_request` for anything else.
 * @example
 * ```ts
 * checkFlags({ stay: "no" }, "follow"); // throws
 * ```
 */
export function checkFlags(options: Readonly<Record<string, unknown>>, method: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || typeof value === "boolean") continue;
    throw new StreamError(
      "bad_request",
      `The option "${name}" of ${method}() must be true or false, not ${shown(value)}.`,
    );
  }
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** Whether a value is a signal, perhaps that of another realm. */
export function isSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}
