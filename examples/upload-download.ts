/**
 * Downloads a file while it is being uploaded, from its first byte: `npx tsx examples/upload-download.ts [URL]`
 *
 * Without a URL it starts a server of its own, which keeps everything in memory. What the URL has already is left alone:
 * the file goes to its end. It fails when what was downloaded is something else.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { fstream, memoryStore } from "../mod.ts";
import { follow, openAppend } from "../src/client/mod.ts";
import { serve } from "../src/runtime/node/mod.ts";

const MEBIBYTE = 1024 * 1024;
const FILE_BYTES = 64 * MEBIBYTE;

/** The file, piece by piece, and its hash once all of it was read. */
const uploaded = createHash("sha256");
async function* file(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < FILE_BYTES; at += MEBIBYTE) {
    const piece = new Uint8Array(MEBIBYTE).fill(at / MEBIBYTE);
    uploaded.update(piece);
    yield piece;
    // The second half is made only when its beginning has been downloaded.
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

// Resolves when the path is ours, so that there is something to download.
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
