/**
 * The options of methods. A mistyped name would have no effect, without a word.
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

/** Whether a value is a signal, perhaps that of another realm. */
export function isSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}
