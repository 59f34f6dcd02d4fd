/**
 * The stored bytes at the end, from the files of a folder or from the answers of servers.
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Milliseconds in which a server may be away, because it is restarted. */
const AWAY_MS = 20_000;

/** Milliseconds between two attempts to reach it. */
const PAUSE_MS = 200;

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
  const digest = async (path: string): Promise<{ size: number; sha256: string }> => {
    const all = await Promise.all(
      // A server that was restarted may have another URL.
      urls().map((_, at) => persistently(async () => digestOf((await asked(urls()[at] ?? "", path)).body ?? []))),
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
      await persistently(async () => void (await asked(urls()[0] ?? "", path, "DELETE")));
    },
  };
}

async function asked(url: string, path: string, method = "GET"): Promise<Response> {
  const response = await fetch(`${url}/${path}`, { method });
  // The answer to the first of several attempts to remove it may be lost.
  const isGone = method === "DELETE" && response.status === 404;
  if (!response.ok && !isGone)
    throw new Refused(`${method} ${url}/${path} was answered with ${response.status}.`, response);
  return response;
}

/** A server has refused a request. */
class Refused extends Error {
  readonly status: number;

  constructor(message: string, { status }: Response) {
    super(message);
    this.status = status;
  }
}

/** Repeats what fails while a server is away. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (const untilMs = performance.now() + AWAY_MS; ; ) {
    try {
      return await work();
    } catch (error) {
      // `fetch` reports a broken connection as a TypeError.
      const isAway = error instanceof Refused ? error.status === 503 : error instanceof TypeError;
      if (!isAway || performance.now() >= untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
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
