/**
 * The resumable appends of one server: opened, resumed, and taken over from a server that has gone.
 * @module
 */
import { StreamError } from "./errors.ts";
import type { Hub } from "./hub.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "./offset.ts";
import { AppendSession } from "./session.ts";
import type { SessionRecord } from "./store.ts";
import { digestOf, newToken } from "./token.ts";

/** A session and the token that resumes it. */
export interface OpenedSession {
  readonly session: AppendSession;
  readonly token: string;
}

/** Sessions by path. */
export class Sessions {
  readonly #hub: Hub;
  readonly #open = new Map<string, AppendSession>();

  /** @param hub Where sessions claim their paths. */
  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /**
   * Opens a session on a free path. It is on record when this resolves.
   *
   * @param offset The size that the path must have; nothing for any.
   * @throws {StreamError} `precondition_failed`, `conflict` and what claiming the path meets.
   */
  async open(path: string, offset?: number): Promise<OpenedSession> {
    const { store } = this.#hub;
    // Asked before the claim, which would create the file; of a path that is taken, the claim will say so.
    if (offset !== undefined && !this.#hub.isTaken(path)) checkSize(path, offset, (await store.stat(path))?.size ?? 0);
    const token = newToken();
    const record = { path, digest: await digestOf(token) };
    const session = await this.#start(record);
    try {
      if (offset !== undefined) checkSize(path, offset, session.offset);
      await store.sessions.save(record);
    } catch (error) {
      await session.end("lost");
      throw error;
    }
    return { session, token };
  }

  /**
   * The open session that a token belongs to.
   *
   * @throws {StreamError} `gone` when there is none; `conflict` when another process has it.
   */
  async resume(path: string, token: string): Promise<AppendSession> {
    const digest = await digestOf(token);
    const session = this.#open.get(path);
    if (session && !session.ended && session.digest === digest) return session;
    const record = await this.#hub.store.sessions.find(path);
    if (record?.digest === digest && !session) {
      throw new StreamError("conflict", `The append session of "/${path}" is in the hands of another server process.`, {
        path,
        headers: { "Retry-After": "1" },
      });
    }
    throw new StreamError("gone", `No append session of "/${path}" has this token: it has ended, or it never was.`, {
      path,
    });
  }

  /** Takes over every session on record that no living process has. */
  async restore(): Promise<void> {
    await this.#hub.store.tidy?.();
    const records = await this.#hub.store.sessions.list();
    await Promise.all(records.map(({ path }) => this.adopt(path)));
  }

  /**
   * Takes over the session of a path, if there is one on record and no living process has it. Its grace begins now.
   *
   * @throws {StreamError} what reading the store meets.
   */
  async adopt(path: string): Promise<void> {
    if (this.#hub.isTaken(path) || this.#hub.closing) return;
    const { store } = this.#hub;
    const record = await store.sessions.find(path);
    if (!record) return;
    if (!(await store.stat(path))) return store.sessions.remove(path);
    try {
      await this.#start(record);
    } catch (error) {
      if (!(error instanceof StreamError && (error.code === "conflict" || error.code === "restarting"))) throw error;
    }
  }

  async #start(record: SessionRecord): Promise<AppendSession> {
    const { path, digest } = record;
    const hub = this.#hub;
    let session: AppendSession | undefined;
    const admission = await hub.admit(path, {
      stored: (offset) => session?.stored(offset),
      failed: (error) => session?.failed(error),
      retryAfterMs: () => session?.graceLeftMs,
      restart: () => session?.end("restarting"),
    });
    const onEnd = () => this.#open.delete(path);
    session = new AppendSession({
      path,
      digest,
      admission,
      records: hub.store.sessions,
      graceMs: hub.limits.graceMs,
      onEnd,
    });
    this.#open.set(path, session);
    return session;
  }
}

function checkSize(path: string, offset: number, size: number): void {
  if (offset === size) return;
  throw new StreamError("precondition_failed", `"/${path}" has ${size} bytes, not ${offset}. Nothing was appended.`, {
    path,
    headers: { [NEXT_OFFSET_HEADER]: formatOffset(size) },
  });
}
