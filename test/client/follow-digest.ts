/**
 * Follows a URL to its end on the current runtime, and prints the number of bytes, their digest, and the size of the
 * largest piece in bytes.
 * @module
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { follow } from "../../src/client/mod.ts";

const hash = createHash("sha256");
let bytes = 0;
let largest = 0;
for await (const piece of follow(process.argv[2] as string)) {
  if (bytes === 0) console.log("first bytes");
  hash.update(piece);
  bytes += piece.length;
  largest = Math.max(largest, piece.length);
}
console.log(`${bytes} ${hash.digest("hex")} ${largest}`);
