/**
 * The digests that the store uses for names and for its own files.
 * @module
 */
import * as crypto from "node:crypto";

/** Hashes in one call, without an object for it. Missing before Node 20.12. */
const { hash } = crypto as Partial<typeof crypto>;

/** The SHA-256 digest of text, encoded as UTF-8, or of bytes: 64 hexadecimal digits. */
export function sha256(data: string | Uint8Array): string {
  return hash ? hash("sha256", data, "hex") : crypto.createHash("sha256").update(data).digest("hex");
}
