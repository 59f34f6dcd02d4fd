/**
 * The server that the table of the gate runs against.
 * @module
 */
import type { JWTPayload } from "jose";
import { type Signer, sign } from "../../auth/tokens.ts";
import { GATE_SECRET } from "../../fixture/gate-key.ts";
import type { Target } from "../wire/target.ts";

/** A server whose gate is `jwt()` with {@link GATE_SECRET}, and whose clients may remove anything that their token allows. */
export interface GateTarget extends Target {
  /** The folder on this machine that it serves. */
  readonly root: string;
}

const SIGNER: Signer = { alg: "HS256", key: GATE_SECRET, jwk: { kty: "oct" } };

/** Signs claims with the key of the servers under test. */
export function signed(claims: JWTPayload): Promise<string> {
  return sign(SIGNER, claims);
}

/** A token that allows an action, or all of them, on paths. */
export async function allowing(actions: readonly string[], patterns: readonly string[]): Promise<string> {
  return await signed({ httpfstream: Object.fromEntries(actions.map((action) => [action, patterns])) });
}
