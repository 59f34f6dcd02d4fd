/**
 * Creates and prints keys.
 * @module
 */
import { fstatSync } from "node:fs";
import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import type { Algorithm } from "../../auth/algorithms.ts";
import { algorithmOf, type Jwk, MIN_SECRET_BYTES, publicJwkOf } from "../../auth/keys.ts";
import { print, say } from "../common/terminal.ts";
import { isReadableByOthers, jwksOf, readKeyFile } from "./key-file.ts";

/** Random bytes in the name of a secret. It is not derived from the secret, so that it says nothing about it. */
const NAME_BYTES = 8;

/** The options of the command, parsed. */
export interface KeyFlags {
  readonly algorithm: Algorithm;
  /** The key whose public half to print. */
  readonly public?: string;
}

/**
 * Prints a new key, or the public half of one, on standard output.
 *
 * @throws an error with a sentence if the given key can't be used.
 */
export async function printKey(flags: KeyFlags): Promise<void> {
  if (flags.public !== undefined) {
    print(`${JSON.stringify(await publicKeys(flags.public))}\n`);
    return;
  }
  print(`${JSON.stringify(await newKey(flags.algorithm))}\n`);
  warnIfOpen();
}

/** Creates a key that signs: a secret or a private key, with a name. */
async function newKey(algorithm: Algorithm): Promise<Jwk> {
  if (algorithm === "HS256") {
    const secret = crypto.getRandomValues(new Uint8Array(MIN_SECRET_BYTES));
    const kid = base64url.encode(crypto.getRandomValues(new Uint8Array(NAME_BYTES)));
    return { kty: "oct", k: base64url.encode(secret), alg: algorithm, use: "sig", kid };
  }
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = (await exportJWK(privateKey)) as Jwk;
  return { ...jwk, alg: algorithm, use: "sig", kid: await calculateJwkThumbprint(jwk as JWK) };
}

async function publicKeys(file: string): Promise<{ keys: Jwk[] }> {
  const all = jwksOf(await readKeyFile(file)).filter((jwk) => algorithmOf(jwk) !== undefined);
  const keys = all.filter(({ kty }) => kty !== "oct").map(publicJwkOf);
  if (keys.length > 0) return { keys };
  throw new Error(
    `${file === "-" ? "The key" : `The key in ${file}`} is a shared secret (HS256), which has no public half. ` +
      "Create a key pair with --algorithm ES256.",
  );
}

/** Warns if standard output is a file that other users can read, as it is with the usual umask. */
function warnIfOpen(): void {
  const { mode, isOpen } = outputMode();
  if (isOpen && isReadableByOthers(mode)) {
    say("warning: other users can read the file that the key was written to. To prevent that, chmod 600 the file.");
  }
}

function outputMode(): { mode: number; isOpen: boolean } {
  try {
    const found = fstatSync(1);
    return { mode: found.mode, isOpen: found.isFile() };
  } catch {
    // Standard output is closed; writing to it reports that.
    return { mode: 0, isOpen: false };
  }
}
