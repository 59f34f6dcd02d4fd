/**
 * The refusals for paths that do not exist.
 * @module
 */
import { StreamError } from "../protocol/errors.ts";

/**
 * The refusal for a control path of a server without subscriptions. Without it, a client that asks for wakes would create a
 * stream, and wait for them for ever.
 */
export function noSubscriptions(path: string): StreamError {
  const advice = 'Its operator turns them on with "--webhooks", or with "webhooks" in code.';
  return new StreamError("not_found", `This server has no subscriptions, as at "/${path}". ${advice}`, { path });
}

/** The refusal for a path that does not exist. */
export function missing(path: string): StreamError {
  return new StreamError("not_found", `"/${path}" does not exist.`, { path });
}

/** The refusal for a resource that the client requested as a folder. */
export function notFolder(path: string, below: string): StreamError {
  const what = below === "" ? "not a folder" : "a file, not a folder. Its URL has no slash at the end";
  return new StreamError("not_found", `"/${path}" is ${what}.`, { path });
}
