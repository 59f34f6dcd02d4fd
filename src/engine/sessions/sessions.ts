/**
 * The resumable appends of one server: opened, resumed, and taken over from a server that has gone.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { digestOf, newToken } from "../../support/token.ts";
import { checkContent, checkPath, type PathPreconditions } from "../append/preconditions.ts";
import type { AppendPreconditions, AppendRegistry, LeasedSource } from "../append/registry.ts";
import type { AppendHandle, SessionRecord } from "../storage/store.ts";
import { FollowLease } from "./follow-lease.ts";
import { AppendSession, type SessionParts } from "./session.ts";

/** A session and the token that resumes it. */
export interface OpenedSession {
  readonly session: AppendSession;
  readonly token: string;
}

/** What a path must be for a session to be opened on it. */
export type SessionPreconditions = PathPreconditions & Pick<AppendPreconditions, "type">;

/** How often a session is looked for that is on its way from one process to another. */
const ATTEMPTS = 25;

/** Milliseconds between two such looks. */
const LOOK_MS = 100;

/** Sessions by path. */
export class Sessions {
  readonly #registry: AppendRegistry;
  readonly #onProblem: (path: string, error: unknown) => void;
  readonly #open = new Map<string, AppendSession>();
  readonly #adopting = new Map<string, Promise<void>>();
  /** Settles when whatever a crash has left in disorder is out of the way. */
  #tidied: Promise<unknown> = Promise.resolve();

  /**
   * @param registry Where sessions claim their paths.
   * @param onProblem Told of a session that can't be read, taken over or forgotten.
   */
  constructor(registry: AppendRegistry, onProblem: (path: string, error: unknown) => void) {
    this.#registry = registry;
    this.#onProblem = onProblem;
  }

  /**
   * Opens a session on a free path. It is on record when this resolves.
   *
   * @param terms What the path must be like.
   * @throws {StreamError} `replaced`, `precondition_failed`, `conflict` and what claiming the path meets.
   */
  async open(path: string, terms: SessionPreconditions = {}): Promise<OpenedSession> {
    const { store } = this.#registry;
    const token = newToken();
    const record = { path, digest: await digestOf(token) };
    const session = await this.#start({ record }, { ...terms, prepare: () => store.sessions.save(record) });
    return { session, token };
  }

  /**
   * The open session that a token belongs to. Where another process has it, that one is asked for it.
   *
   * @param generation The content that it must append to; nothing for any.
   * @throws {StreamError} `gone` when there is none; `replaced` for another content; `conflict` when another process does
   * not give it up.
   */
  async resume(path: string, token: string, generation?: string): Promise<AppendSession> {
    const digest = await digestOf(token);
    const session = (await this.#ours(path, digest)) ?? (await this.#fetch(path, digest));
    if (!session) return await this.#refuse(path, digest);
    checkGeneration(path, generation, session.generation);
    return session;
  }

  /**
   * Whether {@link open} or {@link resume} would be refused now; changes nothing.
   *
   * @throws {StreamError} as they do.
   */
  async check(path: string, token: string | undefined, terms: PathPreconditions = {}): Promise<void> {
    if (token !== undefined) {
      const digest = await digestOf(token);
      if (await this.#ours(path, digest)) return;
      if (await this.#isOnRecord(path, digest)) await this.adopt(path, true);
      if (!(await this.#ours(path, digest))) await this.#refuse(path, digest);
      return checkContent(this.#registry.store, path, terms);
    }
    await checkContent(this.#registry.store, path, terms);
    this.#registry.assertFree(path);
    const found = await this.#registry.store.stat(path);
    if (found?.appending) {
      throw new StreamError("conflict", `"/${path}" has an appender already. Try again when it has ended.`, { path });
    }
    await checkPath(this.#registry.store, path, terms);
  }

  /** Takes over every session on record that no living process has. */
  async restore(): Promise<void> {
    const tidying = this.#tidy();
    this.#tidied = tidying.catch(() => {});
    const records = await tidying;
    await Promise.all(records.map(({ path }) => this.adopt(path).catch((error) => this.#onProblem(path, error))));
  }

  /**
   * Takes over the session of a path, if there is one on record and the process that had it has ended. Its grace begins
   * now, or goes on where that of the last server was. A process that is only silent may wake up, and the session goes on
   * there: it is spared for as long as the grace lasts, which is over then.
   *
   * @param isResumed Whether its appender has come here. It is taken over from a silent process, too, then.
   * @throws {StreamError} what reading the store meets.
   */
  async adopt(path: string, isResumed = false): Promise<void> {
    const known = this.#adopting.get(path);
    if (known) return known;
    if (this.#registry.isTaken(path) || this.#registry.closing) return;
    const adoption = this.#adopt(path, isResumed).finally(() => this.#adopting.delete(path));
    this.#adopting.set(path, adoption);
    return adoption;
  }

  /**
   * What there is to follow at a path, from one process to the next. A session on record is never nothing: the server
   * that had it may have gone after {@link adopt} saw it alive, and before anybody saw that it holds the path.
   *
   * @throws {StreamError} `restarting` when the session does not come to rest anywhere; what reading the store meets.
   */
  async lease(path: string): Promise<FollowLease | undefined> {
    const seek = () => this.#seek(path);
    const held = await seek();
    return held && new FollowLease(held, seek);
  }

  async #seek(path: string): Promise<LeasedSource | undefined> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      this.#registry.assertOpen();
      const held = await this.#registry.lease(path);
      if (held || !(await this.#registry.store.sessions.find(path))) return held;
      await this.adopt(path);
      if (attempt > 1) await pause();
    }
    throw new StreamError("restarting", `"/${path}" is on its way to another server process. Try again in a moment.`, {
      path,
      headers: { "Retry-After": "1" },
    });
  }

  /** The session of a path, if it is here and open. */
  async #ours(path: string, digest: string): Promise<AppendSession | undefined> {
    const session = this.#open.get(path);
    if (!session || session.ended || session.digest !== digest) return undefined;
    // What is being stored finds out by itself, and may take longer than a takeover should.
    if (session.queued === 0) await session.verify();
    if (!session.ended) return session;
    // Its record is gone when this is.
    await session.end("lost");
    return undefined;
  }

  /** Asks the process that has a session for it, and takes it over. */
  async #fetch(path: string, digest: string): Promise<AppendSession | undefined> {
    const { store } = this.#registry;
    if (!(await this.#isOnRecord(path, digest))) return undefined;
    await this.adopt(path, true);
    const adopted = await this.#ours(path, digest);
    // What it was appending to may be gone for good: there is nothing to ask for then.
    if (adopted || !store.requestHandover || !(await this.#isOnRecord(path, digest))) return adopted;
    const takeBack = await store.requestHandover(path);
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        await this.adopt(path, true);
        const session = await this.#ours(path, digest);
        if (session || !(await this.#isOnRecord(path, digest))) return session;
        await pause();
      }
    } finally {
      await takeBack();
    }
    return undefined;
  }

  async #isOnRecord(path: string, digest: string): Promise<boolean> {
    this.#registry.assertOpen();
    return (await this.#registry.store.sessions.find(path))?.digest === digest;
  }

  async #refuse(path: string, digest: string): Promise<never> {
    if (await this.#isOnRecord(path, digest)) {
      throw new StreamError("conflict", `The append session of "/${path}" is in the hands of another server process.`, {
        path,
        headers: { "Retry-After": "1" },
      });
    }
    throw new StreamError("gone", `No append session of "/${path}" has this token: it has ended, or it never was.`, {
      path,
    });
  }

  async #tidy(): Promise<SessionRecord[]> {
    const { store } = this.#registry;
    await store.tidy?.();
    return await store.sessions.list();
  }

  async #adopt(path: string, isResumed: boolean): Promise<void> {
    const { sessions } = this.#registry.store;
    await this.#tidied;
    const record = await sessions.find(path);
    if (!record) return;
    const graceLeftMs = Math.min(record.graceLeftMs ?? Number.POSITIVE_INFINITY, this.#registry.limits.graceMs);
    const known = { record, graceLeftMs };
    const prepare = async ({ wasSilent }: AppendHandle): Promise<void> => {
      // It may have ended since we looked.
      if (!(await sessions.find(path))) throw new StreamError("gone", "It has ended.");
      // It was spared for all of the grace.
      if (wasSilent && !isResumed) known.graceLeftMs = 0;
    };
    const spareMs = isResumed ? 0 : graceLeftMs;
    try {
      await this.#start(known, { create: false, session: record.digest, spareMs, prepare });
    } catch (error) {
      const code = error instanceof StreamError ? error.code : "internal";
      // What it was appending to is not there any more.
      if (["not_found", "path_conflict", "bad_path"].includes(code)) return sessions.remove(path);
      if (!["conflict", "restarting", "gone"].includes(code)) throw error;
    }
  }

  async #start(
    known: Pick<SessionParts, "record" | "graceLeftMs">,
    terms: AppendPreconditions,
  ): Promise<AppendSession> {
    const { path } = known.record;
    const registry = this.#registry;
    let session: AppendSession | undefined;
    let isRestarting = false;
    const events = {
      stored: (offset: number) => session?.stored(offset),
      failed: (error: StreamError) => session?.failed(error),
      retryAfterMs: () => session?.graceLeftMs,
      restart: () => {
        isRestarting = true;
        return session?.end("restarting");
      },
    };
    const admission = await registry.admit(path, events, terms);
    const onEnd = () => this.#open.delete(path);
    session = new AppendSession({
      ...known,
      admission,
      records: registry.store.sessions,
      graceMs: registry.limits.graceMs,
      watchHandover: () => registry.watchHandover(path),
      onEnd,
      onProblem: (error) => this.#onProblem(path, error),
    });
    this.#open.set(path, session);
    if (isRestarting) {
      // The shutdown has begun after the path was claimed, and waits for it. Nobody knows the token of a new session.
      if (known.graceLeftMs === undefined) {
        await registry.store.sessions.remove(path).catch((error: unknown) => this.#onProblem(path, error));
      }
      await session.end("restarting");
      registry.assertOpen();
    }
    return session;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
