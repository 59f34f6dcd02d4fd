/**
 * The resumable appends of one server: opened, resumed, and adopted from servers that have died.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { digestOf, newToken } from "../../support/token.ts";
import type { AppendPreconditions } from "../append/claim.ts";
import { checkBeforeClaim, checkRequiredGeneration, type PathPreconditions } from "../append/preconditions.ts";
import type { AppendRegistry, LeasedSource } from "../append/registry.ts";
import { NoticeWait } from "../follow/notice-wait.ts";
import { appenderConflict } from "../storage/conflicts.ts";
import { lookAgain } from "../storage/look-again.ts";
import type { AppendHandle, SessionClaim, SessionRecord } from "../storage/store.ts";
import { FollowLease } from "./follow-lease.ts";
import { AppendSession, type SessionParts } from "./session.ts";

/** A session and the token that resumes it. */
export interface OpenedSession {
  readonly session: AppendSession;
  readonly token: string;
}

/** Preconditions for opening a session on a path. */
export type SessionPreconditions = PathPreconditions & Pick<AppendPreconditions, "type" | "peer" | "requestId">;

/** Attempts to find a session that is moving from one process to another. On a busy machine, a handover takes seconds. */
const ATTEMPTS = 60;

/** Milliseconds between two attempts. */
const ATTEMPT_INTERVAL_MS = 100;

/** The sessions of one server, by path. */
export class Sessions {
  readonly #registry: AppendRegistry;
  readonly #onProblem: (path: string, error: unknown) => void;
  readonly #open = new Map<string, AppendSession>();
  readonly #adopting = new Map<string, Promise<void>>();
  /** Settles when what crashed processes left behind is removed. */
  #tidied: Promise<unknown> = Promise.resolve();

  /**
   * @param registry Where sessions claim their paths.
   * @param onProblem Called when a session can't be read, adopted or removed.
   */
  constructor(registry: AppendRegistry, onProblem: (path: string, error: unknown) => void) {
    this.#registry = registry;
    this.#onProblem = onProblem;
  }

  /** How many sessions wait for their appenders. */
  get waiting(): number {
    let waiting = 0;
    for (const session of this.#open.values()) if (session.retryAfterMs() !== undefined) waiting++;
    return waiting;
  }

  /**
   * Opens a session on a free path. The session is on record when this resolves.
   *
   * @param terms Preconditions for the path. Default: none.
   * @throws {StreamError} `replaced`, `precondition_failed`, `conflict` and what claiming the path throws.
   */
  async open(path: string, terms: SessionPreconditions = {}): Promise<OpenedSession> {
    const { store } = this.#registry;
    const token = newToken();
    const record = { path, digest: await digestOf(token) };
    const prepare = (handle: AppendHandle): Promise<void> => store.sessions.save(record, claimOf(handle));
    const session = await this.#start({ record }, { ...terms, prepare });
    return { session, token };
  }

  /**
   * Finds the open session of a token. If another process holds it, requests a handover and adopts it.
   *
   * @param generation The generation that it must append to; undefined for any.
   * @throws {StreamError} `gone` if the session does not exist; `replaced` for another generation; `conflict` if another process
   * does not hand it over.
   */
  async resume(path: string, token: string, generation?: string): Promise<AppendSession> {
    const digest = await digestOf(token);
    return lookAgain(this.#registry.store, async () => {
      const session = (await this.#ownSession(path, digest)) ?? (await this.#takeOver(path, digest));
      if (!session) return await this.#refuse(path, digest);
      checkGeneration(path, generation, session.generation);
      return session;
    });
  }

  /**
   * Checks whether {@link open} or {@link resume} would be refused now. Opens no session and requests no handover, but
   * may adopt the session of a token.
   *
   * @throws {StreamError} what they throw.
   */
  async check(path: string, token: string | undefined, terms: SessionPreconditions = {}): Promise<void> {
    if (token !== undefined) {
      const digest = await digestOf(token);
      return lookAgain(this.#registry.store, async () => {
        if (await this.#isOnRecord(path, digest)) await this.adopt(path, true);
        const session = await this.#ownSession(path, digest);
        if (!session) return await this.#refuse(path, digest);
        return checkGeneration(path, terms.generation, session.generation);
      });
    }
    await checkRequiredGeneration(this.#registry.store, path, terms);
    this.#registry.assertFree(path);
    const found = await this.#registry.store.stat(path);
    if (found?.appending) throw appenderConflict(path);
    this.#registry.counts.assertRoom(terms);
    await this.#registry.space.assertRoom(path);
    await this.#registry.used.assertRoom(path);
    await checkBeforeClaim(this.#registry.store, path, terms);
  }

  /** Adopts every session on record that no living process holds. */
  async restore(): Promise<void> {
    const tidying = this.#tidy();
    this.#tidied = tidying.catch(() => {});
    const records = await tidying;
    await Promise.all(records.map(({ path }) => this.adopt(path).catch((error) => this.#onProblem(path, error))));
  }

  /**
   * Adopts the session of a path, if one is on record and its process has ended. Its grace period begins, or continues
   * from what the former server left of it. A silent process may wake up and continue the session, so it keeps its
   * claim for the grace period, which has then passed.
   *
   * @param isResumed Whether the appender has connected here. If so, a silent process loses its claim at once. Default false.
   * @throws {StreamError} what reading the store throws.
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
   * Leases the append to a path, and follows it from one process to the next; undefined if the path has no append. A session on
   * record always counts: its server may die after {@link adopt} saw it alive, and before its claim is looked up.
   *
   * @throws {StreamError} `restarting` if the session does not settle in any process; what reading the store throws.
   */
  async lease(path: string): Promise<FollowLease | undefined> {
    const seek = () => this.#findSource(path);
    const held = await seek();
    return held && new FollowLease(held, seek);
  }

  async #findSource(path: string): Promise<LeasedSource | undefined> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      this.#registry.assertOpen();
      const held = await this.#registry.lease(path);
      if (held || !(await this.#registry.store.sessions.find(path))) return held;
      await this.adopt(path);
      if (attempt > 1) await pause();
    }
    throw new StreamError(
      "restarting",
      `"/${path}" is being handed over to another server process. Try again in a moment.`,
      {
        path,
        headers: { "Retry-After": "1" },
      },
    );
  }

  /** The session of a path, if this process holds it and it is open. */
  async #ownSession(path: string, digest: string): Promise<AppendSession | undefined> {
    const session = this.#open.get(path);
    if (!session || session.ended || session.digest !== digest) return undefined;
    // Queued bytes are checked when they are stored; waiting for that may take longer than a takeover should.
    if (session.queued === 0) await session.verify();
    if (!session.ended) return session;
    // The record is removed when this resolves.
    await session.end("lost");
    return undefined;
  }

  /** Requests a session from the process that holds it, and adopts it. */
  async #takeOver(path: string, digest: string): Promise<AppendSession | undefined> {
    const { store } = this.#registry;
    if (!(await this.#isOnRecord(path, digest))) return undefined;
    await this.adopt(path, true);
    const adopted = await this.#ownSession(path, digest);
    // The content may be gone for good; then there is no session left to request.
    if (adopted || !store.requestHandover || !(await this.#isOnRecord(path, digest))) return adopted;
    const notices = new NoticeWait(store, path, ATTEMPTS * ATTEMPT_INTERVAL_MS);
    const withdraw = await store.requestHandover(path);
    try {
      while (!notices.isLate) {
        await this.adopt(path, true);
        const session = await this.#ownSession(path, digest);
        if (session || !(await this.#isOnRecord(path, digest))) return session;
        await notices.within(ATTEMPT_INTERVAL_MS);
      }
    } finally {
      notices.stop();
      await withdraw();
    }
    return undefined;
  }

  async #isOnRecord(path: string, digest: string): Promise<boolean> {
    this.#registry.assertOpen();
    return (await this.#registry.store.sessions.find(path))?.digest === digest;
  }

  async #refuse(path: string, digest: string): Promise<never> {
    if (await this.#isOnRecord(path, digest)) {
      throw new StreamError(
        "conflict",
        `Another server process has the append session of "/${path}". Try again in a moment.`,
        {
          path,
          headers: { "Retry-After": "1" },
        },
      );
    }
    throw new StreamError("gone", `No append session of "/${path}" has this token: it has ended or never existed.`, {
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
      // The session may have ended since its record was read. The error below only stops the claim.
      if (!(await sessions.find(path))) throw new StreamError("gone", "It has ended.");
      // The silent process kept its claim for the whole grace period. `#start` reads this after the claim.
      if (wasSilent && !isResumed) known.graceLeftMs = 0;
    };
    const extraLeaseMs = isResumed ? 0 : graceLeftMs;
    try {
      await this.#start(known, { create: false, session: record.digest, extraLeaseMs, prepare });
    } catch (error) {
      const code = error instanceof StreamError ? error.code : "internal";
      // The path that the session appends to no longer exists.
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
    const admission = await registry.admit(path, terms);
    const onEnd = () => this.#open.delete(path);
    const session = new AppendSession({
      ...known,
      admission,
      records: registry.store.sessions,
      graceMs: registry.limits.graceMs,
      watchHandover: () => registry.watchHandover(path),
      onEnd,
      onProblem: (error) => this.#onProblem(path, error),
    });
    this.#open.set(path, session);
    admission.connect(session);
    if (registry.closing) {
      // The shutdown began after the claim, and waits for this session. No client knows the token of a new session.
      if (known.graceLeftMs === undefined) await session.forget();
      await session.end("restarting");
      registry.assertOpen();
    }
    return session;
  }
}

/** The claim under which the record of a session is changed. */
function claimOf(handle: AppendHandle): SessionClaim {
  return { epoch: handle.epoch, isOurs: () => !(handle.isRevoked?.() ?? handle.revoked.aborted) };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ATTEMPT_INTERVAL_MS));
}
