/**
 * Checks what a gate has decided: a decision with a mistake in it must allow nothing.
 * @module
 */
import { isHeaderValue } from "../../protocol/header-value.ts";

const STATUSES: readonly unknown[] = [undefined, 401, 403, 404];

/** The responses of gates. */
const own = new WeakSet<Response>();

/** The bodies that were returned. A body can be sent only once. */
const returned = new WeakSet<ReadableStream>();

/** A permission without mistakes. */
export interface CheckedPermission {
  readonly allow: true;
  readonly expiresAtMs?: number;
  /** @throws {TypeError} if the gate's own function does not return a boolean. */
  readonly mayRead?: (path: string, isFolder: boolean) => boolean;
}

/**
 * Returns a permission whose fields are checked, and whose `mayRead` checks its results.
 *
 * @throws {TypeError} that says which field is wrong.
 */
export function checkedPermission(
  permission: Readonly<Partial<Record<"expiresAtMs" | "mayRead", unknown>>>,
): CheckedPermission {
  const { expiresAtMs, mayRead } = permission;
  // A comparison with NaN is false, so that such a permission would never end.
  if (expiresAtMs !== undefined && (typeof expiresAtMs !== "number" || Number.isNaN(expiresAtMs))) {
    throw wrong("expiresAtMs", expiresAtMs, "a number of milliseconds since 1970, or undefined for never");
  }
  if (mayRead === undefined) return { allow: true, ...(expiresAtMs !== undefined && { expiresAtMs }) };
  if (typeof mayRead !== "function") throw wrong("mayRead", mayRead, "a function, or undefined to show all entries");
  return {
    allow: true,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    mayRead(path, isFolder) {
      const shows: unknown = mayRead.call(permission, path, isFolder);
      if (typeof shows === "boolean") return shows;
      // Its rejection would end the process.
      if (isThenable(shows)) shows.then(undefined, () => {});
      throw new TypeError(
        `The function "mayRead" that "authorize" has returned must return true or false, not ${shown(shows)}. It can't be async.`,
      );
    },
  };
}

/**
 * Returns a refusal whose fields are checked.
 *
 * @throws {TypeError} that says which field is wrong.
 */
export function checkedRefusal<Refusal extends Readonly<Partial<Record<"status" | "message" | "challenge", unknown>>>>(
  refusal: Refusal,
): Refusal {
  const { status, message, challenge } = refusal;
  if (!STATUSES.includes(status)) throw wrong("status", status, "401, 403 or 404, or undefined for 403");
  if (message !== undefined && typeof message !== "string") throw wrong("message", message, "a string");
  if (challenge === undefined) return refusal;
  if (typeof challenge !== "string" || !isHeaderValue(challenge)) {
    throw wrong("challenge", challenge, "a string that can be sent as the header WWW-Authenticate");
  }
  return refusal;
}

/**
 * Returns a copy of a response, which the server may add headers to. The gate may return a response without a body
 * again and again, and its headers may be immutable.
 *
 * @throws {TypeError} if it can't be sent: its body was used, or is that of an earlier answer; or it is no final
 * response.
 */
export function ownResponse(response: Response): Response {
  const { body, bodyUsed, status, statusText, headers } = response;
  if (status < 200) {
    throw new TypeError(
      `The function "authorize" has returned a Response with status ${status}, which can't be sent. Return a final response, with a status from 200 on.`,
    );
  }
  if (bodyUsed || body?.locked || (body && returned.has(body))) {
    throw new TypeError(
      'The function "authorize" has returned a Response whose body was used before, so that there is nothing left to send. Return a new Response each time.',
    );
  }
  if (body) returned.add(body);
  // With a plain object, `@hono/node-server` would drop headers that are set on the response later.
  const copy = new Response(body, { status, statusText, headers: new Headers(headers) });
  own.add(copy);
  return copy;
}

/** Whether a response is one that {@link ownResponse} has returned. */
export function isOwnResponse(response: Response): boolean {
  return own.has(response);
}

/** Describes a value for an error message. */
export function shown(value: unknown): string {
  if (isThenable(value)) return "a promise";
  if (typeof value === "string") return `the string ${JSON.stringify(value)}`;
  return (typeof value === "object" && value !== null) || typeof value === "function"
    ? `another ${typeof value}`
    : String(value);
}

function wrong(field: string, value: unknown, rule: string): TypeError {
  return new TypeError(`The field "${field}" of what "authorize" has returned must be ${rule}, not ${shown(value)}.`);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
