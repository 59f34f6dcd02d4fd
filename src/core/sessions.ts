/**
 * The resumable appends of one server: opened, resumed, and taken over from a server that has gone.
 * @module
 */
import { StreamError } from "./errors.ts";
import { type AdmissionTerms, checkSize, type Hold, type Hub } from "./hub.ts";
import { AppendSession, type SessionParts } from "./session.ts";
import type { SessionRecord } from "./store.ts";
import { digestOf, newToken } from "./token.ts";

/** A session and the token that resumes it. */
export interface OpenedSession {
  readonly session: AppendSession;
  readonly token: string;
}

/** How often a session is looked for whose server goes, or gives it back, at the same moment. */
const ATTEMPTS = 5;

/** Sessions by path. */
export class Sessions {
  readonly #hub: Hub;
  readonly #onProblem: (path: string, error: unknown) => void;
  readonly #open = new Map<string, AppendSession>();
  readonly #adopting = new Map<string, Promise<void>>();
  /** Settles when whatever a crash has left in disorder is out of the way. */
  #tidied: Promise<unknown> = Promise.resolve();

  /**
   * @param hub Where sessions claim their paths.
   * @param onProblem Told of a session that can't be read, taken over or forgotten.
   */
  constructor(hub: Hub, onProblem: (path: string, error: unknown) => void) {
    this.#hub = hub;
    this.#onProblem = onProblem;
  }

  /**
   * Opens a session on a free path. It is on record when this resolves.
   *
   * @param offset The size that the path must have; nothing for any.
   * @throws {StreamError} `precondition_failed`, `conflict` and what claiming the path meets.
   */
  async open(path: string, offset?: number): Promise<OpenedSession> {
    const { store } = this.#hub;
    const token = newToken();
    const record = { path, digest: await digestOf(token) };
    const session = await this.#start({ record }, { offset, check: () => store.sessions.save(record) });
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
    if (session && !session.ended && session.digest === digest) {
      // What is being stored finds out by itself, and may take longer than a takeover should.
      if (session.queued === 0) await session.verify();
      if (!session.ended) return session;
      // Its record is gone when this is.
      await session.end("lost");
    }
    this.#hub.assertOpen();
    const record = await this.#hub.store.sessions.find(path);
    if (record?.digest === digest) {
      throw new StreamError("conflict", `The append session of "/${path}" is in the hands of another server process.`, {
        path,
        headers: { "Retry-After": "1" },
      });
    }
    throw new StreamError("gone", `No append session of "/${path}" has this token: it has ended, or it never was.`, {
      path,
    });
  }

  /**
   * Whether {@link open} or {@link resume} would be refused now; changes nothing.
   *
   * @throws {StreamError} as they do.
   */
  async check(path: string, token: string | undefined, offset: number | undefined): Promise<void> {
    if (token !== undefined) {
      await this.resume(path, token);
      return;
    }
    this.#hub.assertFree(path);
    if (offset !== undefined) checkSize(path, offset, (await this.#hub.store.stat(path))?.size ?? 0);
  }

  /** Takes over every session on record that no living process has. */
  async restore(): Promise<void> {
    const tidying = this.#tidy();
    this.#tidied = tidying.catch(() => {});
    const records = await tidying;
    await Promise.all(records.map(({ path }) => this.adopt(path).catch((error) => this.#onProblem(path, error))));
  }

  /**
   * Takes over the session of a path, if there is one on record and no living process has it. Its grace begins now, or
   * goes on where that of the last server was.
   *
   * @throws {StreamError} what reading the store meets.
   */
  async adopt(path: string): Promise<void> {
    const known = this.#adopting.get(path);
    if (known) return known;
    if (this.#hub.isTaken(path) || this.#hub.closing) return;
    const adoption = this.#adopt(path).finally(() => this.#adopting.delete(path));
    this.#adopting.set(path, adoption);
    return adoption;
  }

  /**
   * What there is to follow at a path, as {@link Hub.hold}. A session on record is never nothing: the server that had it
   * may have gone after {@link adopt} saw it alive, and before anybody saw that it holds the path.
   *
   * @throws {StreamError} `restarting` when the session does not come to rest anywhere; what reading the store meets.
   */
  async hold(path: string): Promise<Hold | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const hold = await this.#hub.hold(path);
      if (hold || !(await this.#hub.store.sessions.find(path))) return hold;
      this.#hub.assertOpen();
      await this.adopt(path);
    }
    throw new StreamError("restarting", `"/${path}" is on its way to another server process. Try again in a moment.`, {
      path,
      headers: { "Retry-After": "1" },
    });
  }

  async #tidy(): Promise<SessionRecord[]> {
    const { store } = this.#hub;
    await store.tidy?.();
    return await store.sessions.list();
  }

  async #adopt(path: string): Promise<void> {
    const { sessions } = this.#hub.store;
    await this.#tidied;
    const record = await sessions.find(path);
    if (!record) return;
    const graceLeftMs = record.graceLeftMs ?? this.#hub.limits.graceMs;
    try {
      await this.#start(
        { record, graceLeftMs },
        {
          create: false,
          session: record.digest,
          check: async () => {
            // It may have ended between our look and our claim.
            if (!(await sessions.find(path))) throw new StreamError("gone", "It has ended.");
          },
        },
      );
    } catch (error) {
      const code = error instanceof StreamError ? error.code : "internal";
      // What it was appending to is not there any more.
      if (["not_found", "path_conflict", "bad_path"].includes(code)) return sessions.remove(path);
      if (!["conflict", "restarting", "gone"].includes(code)) throw error;
    }
  }

  async #start(known: Pick<SessionParts, "record" | "graceLeftMs">, terms: AdmissionTerms): Promise<AppendSession> {
    const { path } = known.record;
    const hub = this.#hub;
    let session: AppendSession | undefined;
    const events = {
      stored: (offset: number) => session?.stored(offset),
      failed: (error: StreamError) => session?.failed(error),
      retryAfterMs: () => session?.graceLeftMs,
      restart: () => session?.end("restarting"),
    };
    const admission = await hub.admit(path, events, terms);
    const onEnd = () => this.#open.delete(path);
    session = new AppendSession({
      ...known,
      admission,
      records: hub.store.sessions,
      graceMs: hub.limits.graceMs,
      onEnd,
      onProblem: (error) => this.#onProblem(path, error),
    });
    this.#open.set(path, session);
    return session;
  }
}
