/**
 * The folder that a request sees: the host app chooses it, for instance by the user.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../../protocol/errors.ts";
import { checkedPath } from "../../protocol/path.ts";

/**
 * Returns the folder that a request sees; see {@link AppOptions.scope}. `undefined` refuses the request with 500.
 *
 * @example
 * ```ts
 * const scope: Scope = (c) => `tenants/${c.req.param("tenant")}`;
 * ```
 */
export type Scope = (c: Context) => string | undefined;

/**
 * The resource path of the folder that a request sees; empty for the whole root.
 *
 * @param sent The path to show in a refusal.
 * @throws {TypeError} if the scope returns something else than the name of a folder: the host app has a fault.
 * @throws {StreamError} `bad_path` for a folder that no path may lead to. It may come from the request.
 */
export function folderOf(scope: Scope, c: Context, sent: string): string {
  const folder: unknown = scope(c);
  if (typeof folder !== "string" || folder === "") throw notFolder(folder, sent);
  if (folder === "/") return "";
  try {
    return checkedPath(folder.replace(/^\//, "").split("/"), sent);
  } catch (error) {
    const { message } = StreamError.from(error);
    throw new StreamError("bad_path", `${message} This is due to the folder that the option "scope" returns for it.`, {
      cause: error,
    });
  }
}

function notFolder(returned: unknown, sent: string): TypeError {
  const path = JSON.stringify(sent);
  const rule = 'It must return a folder, such as "ada" or "tenants/acme", or "/" for the whole root.';
  if (isThenable(returned)) {
    // Its rejection would end the process.
    returned.then(undefined, () => {});
    return new TypeError(
      `The option "scope" of fstream() returned a promise for ${path}; it can't be async, because the body of an append ` +
        "must be read at once. Look the folder up in a middleware, put it into a variable of the context, and return that.",
    );
  }
  const what = returned === "" ? "an empty string" : returned === null ? "null" : typeof returned;
  return new TypeError(`The option "scope" of fstream() returned ${what} for ${path}. ${rule}`);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
