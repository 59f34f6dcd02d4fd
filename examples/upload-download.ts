/**
 * Downloads a file from its first byte while it is being uploaded: `npx tsx examples/upload-download.ts [URL]`
 *
 * Without a URL, it starts its own server, which keeps everything in memory. It appends the file to the bytes that the
 * URL already has. It fails if the downloaded bytes differ from the uploaded ones.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { fstream, memoryStore } from "../mod.ts";
import { follow, openAppend } from "../src/client/mod.ts";
import { serve } from "../src/runtime/node/mod.ts";

const MEBIBYTE = 1024 * 1024;
const FILE_BYTES = 64 * MEBIBYTE;

/** Hashes the file as {@link file} yields it, piece by piece. */
const uploaded = createHash("sha256");
async function* file(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < FILE_BYTES; at += MEBIBYTE) {
    const piece = new Uint8Array(MEBIBYTE).fill(at / MEBIBYTE);
    uploaded.update(piece);
    yield piece;
    // The second half is created only after the first half has been downloaded.
    if (at === FILE_BYTES / 2) await halfDownloaded;
  }
}

let tellHalf: () => void = () => {};
const halfDownloaded = new Promise<void>((resolve) => {
  tellHalf = resolve;
});

async function download(url: string, offset: number): Promise<string> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of follow(url, { offset })) {
    hash.update(piece);
    bytes += piece.length;
    if (bytes >= FILE_BYTES / 2) tellHalf();
  }
  console.log(`downloaded ${bytes} bytes`);
  return hash.digest("hex");
}

const own = process.argv[2] === undefined;
const app = fstream({ store: memoryStore() });
const server = own ? await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }) : undefined;
const url = process.argv[2] ?? `http://127.0.0.1:${server?.port}/disk.img`;

// Resolves when the append has begun, so that the path can be followed.
const upload = await openAppend(url);
const downloading = download(url, upload.offset ?? 0);
const writer = upload.getWriter();
for await (const piece of file()) await writer.write(piece);
await writer.close();
console.log(`uploaded ${FILE_BYTES} bytes`);
const isSame = (await downloading) === uploaded.digest("hex");
console.log(isSame ? "the same bytes" : "NOT the same bytes");
if (!isSame) process.exitCode = 1;

await app.close();
await server?.close();
