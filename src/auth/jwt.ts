/**
 * The ready-made gate: signed tokens (JWT).
 * @module
 */
import type { AccessDecision, AccessRequest, Action, Authorize, Permission } from "../server/gate/gate.ts";
import { callUser } from "../support/callback.ts";
import { explained } from "../support/printable.ts";
import { invalidToken, needsToken, tokenOf } from "./bearer.ts";
import { type Grants, Rights } from "./grants.ts";
import { KeyRing, type Keys } from "./key-ring.ts";
import { type Claims, InvalidToken, type Verified, Verifier } from "./verifier.ts";

/** The words of a refusal for each action. */
const DOING: Readonly<Record<Action, string>> = {
  read: "reading",
  list: "listing",
  append: "appending to",
  delete: "removing",
};

/** Options of {@link jwt}. */
export interface JwtOptions {
  /**
   * The keys that sign tokens: a JWK, a set of JWKs (JWKS), a key in PEM format, a secret of at least 32 bytes as a
   * `Uint8Array`, the `URL` of a set, or a function that returns the current key; or a list of these. A key verifies only
   * the algorithm of its type: secrets HS256, RSA keys RS256, EC keys with the curve P-256 ES256, and Ed25519 keys EdDSA.
   */
  readonly keys: Keys | readonly Keys[];
  /**
   * The `aud` that tokens must have, or several of which they must have one. Default: none; a token with an
   * audience is then refused.
   */
  readonly audience?: string | readonly string[];
  /** The `iss` that tokens must have, or several of which they must have one. Default: any. */
  readonly issuer?: string | readonly string[];
  /** What requests may do with and without a token. Default: nothing. */
  readonly anonymous?: Grants;
  /**
   * Derives the permissions from the claims of a valid token. It is called once for each token, not for each request. It
   * can't be async: anything but permissions or `undefined` refuses the token with 500. Default: the claim `httpfstream`.
   */
  readonly grants?: (claims: Claims) => Grants | undefined;
  /**
   * Receives each failure to fetch or read keys; of a function that fails again and again, the first one, and each that
   * differs from the last. Default: the console.
   */
  readonly onError?: (error: Error) => void;
}

const OPTIONS: ReadonlySet<string> = new Set(["keys", "audience", "issuer", "anonymous", "grants", "onError"]);

/**
 * Creates a gate that asks for signed tokens (JWT).
 *
 * A token says in its claim `httpfstream` what its bearer may do: for each of `read`, `list`, `append` and `delete`, a
 * list of paths with `*` and `**`. An action that is missing is not allowed, and no action implies another. Dates (`exp`,
 * `nbf`) have a leeway of 5 s; a connection ends when its token expires. A token without `exp` never expires: change the
 * key to revoke it. Clients send a token as `Authorization: Bearer …`, or as the query parameter `access_token`. Two
 * different tokens are 400, a missing or invalid one is 401, one that does not allow the request is 403.
 *
 * @throws {TypeError} for an unknown option, or one of the wrong kind. A key that is malformed is reported to `onError`,
 * and every token that no other key verifies fails with 500; with 503 if a set at a URL can't be fetched.
 * @example
 * ```ts
 * import { fstream } from "httpfstream";
 * import { jwt } from "httpfstream/auth";
 *
 * const authorize = jwt({
 *   keys: new URL("https://id.example.com/.well-known/jwks.json"),
 *   audience: "streams",
 *   anonymous: { read: ["/public/**"] },
 * });
 * const app = fstream({ authorize });
 * ```
 */
export function jwt(options: JwtOptions): Authorize {
  checkOptions(options);
  const { keys, audience, issuer, grants, onError = writeError } = options;
  const report = (error: Error): void => callUser("onError", onError, error);
  const verifier = new Verifier(new KeyRing(keys, report), { audience, issuer, grants });
  const everyone = new Rights(options.anonymous ?? {});
  return async (request: AccessRequest): Promise<AccessDecision> => {
    const token = tokenOf(request.c);
    if (token === undefined) return withoutToken(everyone, request);
    try {
      return withToken(await verifier.verify(token), everyone, request);
    } catch (error) {
      if (error instanceof InvalidToken) return invalidToken(error.message);
      throw error;
    }
  };
}

/**
 * Creates a gate that allows the same to all clients, and asks for no credentials.
 *
 * @throws {TypeError} for a malformed pattern.
 * @example
 * ```ts
 * const authorize = anonymous({ read: ["/**"], list: ["/**"] });
 * ```
 */
export function anonymous(grants: Grants): Authorize {
  const everyone = new Rights(grants);
  return ({ action, path }) => {
    if (everyone.allows(action, path)) return permission(everyone);
    return refusal("This server", { action, path }, (other) => everyone.allows(other, path));
  };
}

function withoutToken(everyone: Rights, { action, path }: AccessRequest): AccessDecision {
  return everyone.allows(action, path) ? permission(everyone) : needsToken();
}

function withToken({ rights, expiresAtMs }: Verified, everyone: Rights, request: AccessRequest): AccessDecision {
  const { action, path } = request;
  const mayRead = (entry: string, isFolder: boolean): boolean => {
    return rights.shows(entry, isFolder) || everyone.shows(entry, isFolder);
  };
  // Actions that need no token do not end with it.
  if (everyone.allows(action, path)) return { allow: true, mayRead };
  if (!rights.allows(action, path)) {
    return refusal("The token", request, (other) => rights.allows(other, path) || everyone.allows(other, path));
  }
  return { allow: true, mayRead, ...(Number.isFinite(expiresAtMs) ? { expiresAtMs } : {}) };
}

/**
 * Refuses an action. If neither reading nor listing is allowed, the message says so for both: which of the two was asked
 * for would reveal whether the path is a folder.
 */
function refusal(
  who: string,
  { action, path }: Pick<AccessRequest, "action" | "path">,
  allows: (action: Action) => boolean,
): AccessDecision {
  const isHidden = (action === "read" || action === "list") && !allows("read") && !allows("list");
  const what = isHidden ? "allows neither reading nor listing" : `does not allow ${DOING[action]}`;
  return { allow: false, message: `${who} ${what} "/${path}".` };
}

function permission(rights: Rights): Permission {
  return { allow: true, mayRead: (path, isFolder) => rights.shows(path, isFolder) };
}

function checkOptions(options: JwtOptions): void {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) {
      throw new TypeError(`"${name}" is not an option of jwt(); it has ${[...OPTIONS].join(", ")}.`);
    }
  }
  const { audience, issuer, grants, onError } = options;
  for (const [name, value] of Object.entries({ audience, issuer })) {
    // An empty list, or an empty name from an unset variable, would be no check at all, or one that always fails.
    const isNames = value === undefined || (value.length > 0 && [value].flat().every(isName));
    if (!isNames) throw new TypeError(`The option "${name}" of jwt() must be a name, or a list of names.`);
  }
  for (const [name, value] of Object.entries({ grants, onError })) {
    if (value !== undefined && typeof value !== "function") {
      throw new TypeError(`The option "${name}" of jwt() must be a function.`);
    }
  }
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function writeError(error: Error): void {
  console.error(`httpfstream: ${explained(error)}`);
}
