/**
 * One path that an appender writes to through the servers, and that followers of each server follow: its bytes are known, so
 * that each one is compared when it arrives.
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type AppendStream, append, type FollowEnd, follow, openAppend } from "../../../src/client/mod.ts";
import { until } from "../../../test/fixture/until.ts";
import { Content } from "../content.ts";
import type { Random } from "../random.ts";

/** Milliseconds that the clients try without progress: longer than any fault. */
const RETRY_FOR_MS = 300_000;

/** Milliseconds that a condition is waited for. */
const PATIENCE_MS = 120_000;

/** The largest piece that is written at once, in bytes, and the longest pause after it, in milliseconds. */
const PIECE_BYTES = 6_000;
const PAUSE_MS = 75;

/** The dependencies of a {@link Load}. */
export interface LoadParts {
  /** The path, without a leading slash. */
  readonly path: string;
  /** The URL that the appender uses, without a trailing slash. */
  readonly appendUrl: string;
  /** The URLs that the followers use. */
  readonly followUrls: readonly string[];
  readonly random: Random;
}

/** A follower, with all that it has received. */
interface Follower {
  at: number;
  wrongAt: number | undefined;
  readonly hash: Hash;
  readonly ended: Promise<FollowEnd>;
}

/** An appender, and its followers. */
export class Load {
  readonly #parts: LoadParts;
  readonly #content: Content;
  readonly #followers: Follower[] = [];
  #stream: AppendStream | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isOver = false;
  #written = 0;
  #acked = 0;
  #ackedMs = performance.now();
  #longestMs = 0;

  private constructor(parts: LoadParts) {
    this.#parts = parts;
    this.#content = new Content(parts.random.fork("content", parts.path).between(0, 2 ** 32 - 1));
  }

  /** Opens the append, and the follows once there are bytes to follow. */
  static async begin(parts: LoadParts): Promise<Load> {
    const load = new Load(parts);
    await load.#begin();
    return load;
  }

  get path(): string {
    return this.#parts.path;
  }

  /** How many bytes were written. */
  get written(): number {
    return this.#written;
  }

  /** How many bytes were acknowledged. */
  get acked(): number {
    return this.#acked;
  }

  /** The longest time between two acknowledgements so far, in milliseconds. */
  get longestMs(): number {
    return Math.max(this.#longestMs, performance.now() - this.#ackedMs);
  }

  /** Waits until more is acknowledged than was written when this was called, so the append continues. */
  async goesOn(): Promise<void> {
    const more = this.#written + 1;
    await this.#until(`/${this.path} to go on`, () => this.#acked >= more);
  }

  /** Waits until each follower has received more than was acknowledged when this was called. */
  async isFollowed(): Promise<void> {
    const acked = this.#acked;
    await this.#until(`the followers of /${this.path} to go on`, () => this.#followers.every(({ at }) => at > acked));
  }

  /** Waits until the append fails, and returns the error. */
  async failed(): Promise<unknown> {
    return await this.#writing.then(
      () => new Error(`The append to /${this.path} has not failed.`),
      (error: unknown) => error,
    );
  }

  /** Ends the append, and returns everything that is wrong. */
  async finish(): Promise<string[]> {
    this.#isOver = true;
    await this.#writing;
    const writer = this.#stream?.getWriter();
    await Promise.all([writer?.closed, writer?.close()]);
    const offset = this.#stream?.offset;
    const problems = offset === this.#written ? [] : [`/${this.path}: the end was confirmed at ${offset}`];
    return [...problems, ...(await this.compare(this.#written, "complete"))];
  }

  /**
   * Compares what the followers have received, and what each server has stored, with what was acknowledged.
   *
   * @param size The size that the path must have.
   * @param reason The reason that the followers must hear.
   */
  async compare(size: number, reason: FollowEnd["reason"]): Promise<string[]> {
    const problems: string[] = [];
    const complain = (what: string): void => void problems.push(`/${this.path}: ${what}`);
    const sha256 = this.#content.sha256(0, size);
    for (const [at, follower] of this.#followers.entries()) {
      const end = await follower.ended;
      if (follower.wrongAt !== undefined) complain(`follower ${at} got a wrong byte at ${follower.wrongAt}`);
      if (follower.at !== size) complain(`follower ${at} got the bytes up to ${follower.at}, and not up to ${size}`);
      if (end.offset !== follower.at) complain(`follower ${at} heard of the end at ${end.offset}, at ${follower.at}`);
      if (end.reason !== reason) complain(`follower ${at} heard that it ended as "${end.reason}", not as "${reason}"`);
      const found = follower.hash.digest("hex");
      if (found !== sha256) complain(`the SHA-256 of what follower ${at} got is ${found}, and not ${sha256}`);
    }
    for (const url of this.#parts.followUrls) {
      const stored = Buffer.from(await (await fetch(`${url}/${this.path}`)).arrayBuffer());
      const wrongAt = this.#content.difference(stored, 0);
      if (stored.length !== size) complain(`${url} has ${stored.length} bytes of it, and not ${size}`);
      if (wrongAt !== undefined) complain(`${url} has a wrong byte of it at ${wrongAt}`);
    }
    return problems;
  }

  async #begin(): Promise<void> {
    const { path, appendUrl } = this.#parts;
    this.#stream = await openAppend(`${appendUrl}/${path}`, {
      retryForMs: RETRY_FOR_MS,
      retryFirst: true,
      onAcked: ({ offset }) => this.#note(offset),
    });
    this.#ackedMs = performance.now();
    this.#writing = this.#write(this.#stream);
    // Its callers report the error.
    this.#writing.catch(() => {});
    await this.#until(`the first bytes of /${path}`, () => this.#acked > 0);
    for (const url of this.#parts.followUrls) this.#follow(`${url}/${path}`);
    await this.isFollowed();
  }

  async #write(stream: AppendStream): Promise<void> {
    const random = this.#parts.random.fork("pieces", this.path);
    const writer = stream.getWriter();
    try {
      while (!this.#isOver) {
        const to = this.#written + random.spread(1, PIECE_BYTES);
        const piece = this.#content.read(this.#written, to);
        this.#written = to;
        await writer.write(piece);
        await sleep(random.between(1, PAUSE_MS));
      }
    } finally {
      writer.releaseLock();
    }
  }

  #note(offset: number): void {
    if (offset <= this.#acked) return;
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#ackedMs);
    this.#ackedMs = nowMs;
    this.#acked = offset;
  }

  #follow(url: string): void {
    const follower = { at: 0, wrongAt: undefined as number | undefined, hash: createHash("sha256") };
    const run = async (): Promise<FollowEnd> => {
      const stream = follow(url, { retryForMs: RETRY_FOR_MS, retryFirst: true });
      for await (const bytes of stream) {
        follower.wrongAt ??= this.#content.difference(bytes, follower.at);
        follower.hash.update(bytes);
        follower.at += bytes.length;
      }
      return await stream.ended;
    };
    const ended = run();
    // Reported by `compare`.
    ended.catch(() => {});
    this.#followers.push(Object.assign(follower, { ended }));
  }

  /** Waits, and rejects at once if the append fails. */
  async #until(what: string, holds: () => boolean): Promise<void> {
    let failure: unknown;
    this.#writing.catch((error: unknown) => {
      failure = error;
    });
    await until(
      what,
      () => {
        if (failure !== undefined) throw failure;
        return holds();
      },
      PATIENCE_MS,
    );
  }
}

/** Appends a few bytes to a path that no other client uses, to see whether the servers at a URL take appends. */
export async function appendsAt(url: string, path: string): Promise<void> {
  await append(`${url}/${path}`, "a few bytes\n", { retryForMs: RETRY_FOR_MS, retryFirst: true });
}
