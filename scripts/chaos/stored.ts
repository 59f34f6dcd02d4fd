/**
 * The stored bytes at the end, from the files of a folder or from the answers of servers.
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** The paths that were appended to. */
export interface StoredPaths {
  size(path: string): Promise<number>;
  /** The size, and the SHA-256 in hex. */
  digest(path: string): Promise<{ size: number; sha256: string }>;
  remove(path: string): Promise<void>;
}

/** The files of a folder. */
export function filesIn(root: string): StoredPaths {
  return {
    size: async (path) => (await stat(join(root, path))).size,
    digest: (path) => digestOf(createReadStream(join(root, path))),
    remove: (path) => rm(join(root, path)),
  };
}

/**
 * The bytes that all servers have. They must be the same.
 *
 * @param urls Returns their URLs, without a trailing slash.
 */
export function servedBy(urls: () => readonly string[]): StoredPaths {
  const get = async (url: string, path: string, method = "GET"): Promise<Response> => {
    const response = await fetch(`${url}/${path}`, { method });
    if (!response.ok) throw new Error(`${method} ${url}/${path} was answered with ${response.status}.`);
    return response;
  };
  const digest = async (path: string): Promise<{ size: number; sha256: string }> => {
    const all = await Promise.all(
      urls().map(async (url) => {
        const { body } = await get(url, path);
        return await digestOf(body ?? []);
      }),
    );
    const [first = { size: 0, sha256: "" }, ...others] = all;
    for (const { size, sha256 } of others) {
      if (sha256 !== first.sha256) throw new Error(`One server has ${first.size} bytes of /${path}, another ${size}.`);
    }
    return first;
  };
  return {
    digest,
    size: async (path) => (await digest(path)).size,
    async remove(path) {
      await get(urls()[0] ?? "", path, "DELETE");
    },
  };
}

async function digestOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest("hex") };
}
