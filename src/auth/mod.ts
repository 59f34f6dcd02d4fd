/**
 * Ready-made gates for the option `authorize`: signed tokens (JWT) with paths and actions.
 *
 * @example
 * ```ts
 * import { fstream } from "httpfstream";
 * import { jwt } from "httpfstream/auth";
 *
 * const secret = crypto.getRandomValues(new Uint8Array(32));
 * const app = fstream({ authorize: jwt({ keys: secret, anonymous: { read: ["/public/**"] } }) });
 * ```
 * @module
 */

export {
  ACTIONS,
  type AccessDecision,
  type AccessRequest,
  type Action,
  type Authorize,
  type Permission,
  type Refusal,
} from "../server/gate/gate.ts";
export type { Grants } from "./grants.ts";
export { anonymous, type JwtOptions, jwt } from "./jwt.ts";
export type { Keys } from "./key-ring.ts";
export type { Jwk, JwkSet, Key } from "./keys.ts";
export type { Claims } from "./verifier.ts";
