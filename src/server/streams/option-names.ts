/**
 * The names of options. A mistyped one would have no effect, without a word.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/**
 * Checks that all options exist.
 *
 * @param names All options that the method has.
 * @param method For the message.
 * @throws {StreamError} `bad_request` for another option.
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
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  const all = Object.keys(names).join(", ");
  throw new StreamError("bad_request", `"${unknown}" is not an option of ${method}(); it has ${all}.`);
}
