/**
 * The gate of the standalone server.
 * @module
 */
import type { Keys } from "../../auth/key-ring.ts";
import { ACTIONS, type Authorize } from "../../server/gate/gate.ts";
import { printable } from "../../support/printable.ts";
import { WrongUsage } from "../common/options.ts";
import type { GateFlags } from "./gate-options.ts";

/**
 * Creates the gate that the options describe.
 *
 * @param report Receives each failure to read or fetch keys later on.
 * @returns undefined if the server is open to all.
 * @throws {WrongUsage} if the options make no sense together; an error with a sentence if a key file can't be used.
 */
export async function gateOf(flags: GateFlags, report: (error: Error) => void): Promise<Authorize | undefined> {
  const { key, jwks, audience, issuer, anonymous } = flags;
  const keys: Keys[] = jwks instanceof URL ? [jwks] : [];
  for (const file of [key, jwks]) {
    if (typeof file !== "string") continue;
    const { KeyFile } = await import("../key/key-file.ts");
    const watched = await KeyFile.open(file, report);
    keys.push(() => watched.current());
  }
  if (keys.length > 0) {
    const named = { ...(audience.length > 0 && { audience }), ...(issuer.length > 0 && { issuer }) };
    // An open server starts faster without the library that verifies tokens.
    const { jwt } = await import("../../auth/jwt.ts");
    return jwt({ keys, anonymous, onError: report, ...named });
  }
  if (audience.length > 0 || issuer.length > 0) {
    const name = audience.length > 0 ? "--audience" : "--issuer";
    throw new WrongUsage(`${name} needs --key or --jwks.`);
  }
  if (Object.keys(anonymous).length === 0) return undefined;
  const { anonymous: openTo } = await import("../../auth/jwt.ts");
  return openTo(anonymous);
}

/**
 * The line that a server prints when it starts about actions that need no token; undefined if all need one.
 *
 * @param isLocal Whether only this machine can reach it.
 */
export function publicAccessLine({ key, jwks, anonymous }: GateFlags, isLocal: boolean): string | undefined {
  const allowed = ACTIONS.flatMap((action) => anonymous[action]?.map((path) => `${action} ${path}`) ?? []);
  if (allowed.length > 0) {
    const what = printable(allowed.join(", "));
    return isLocal
      ? `Every program on this machine may, without a token: ${what}.`
      : `WARNING: OPEN TO EVERY MACHINE that can reach this server, without a token: ${what}.`;
  }
  if (key !== undefined || jwks !== undefined) return undefined;
  return isLocal
    ? "Every program on this machine may read and append. To ask for tokens, use --key or --jwks."
    : "WARNING: THIS SERVER IS OPEN. Every machine that can reach it may read, and append until the disk is full. " +
        "Use --key or --jwks to ask for tokens, or listen on 127.0.0.1.";
}
