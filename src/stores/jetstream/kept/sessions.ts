/**
 * The open sessions. Each has a fence: a node that has lost its claim can't change the session of its successor.
 * @module
 */
import type { SessionClaim, SessionRecord, SessionRecords } from "../../../engine/storage/session-record.ts";
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import { StreamError } from "../../../protocol/errors.ts";
import type { Layout } from "../layout/layout.ts";
import type { Directory } from "../nodes/directory.ts";
import type { Values } from "./values.ts";

/** Milliseconds for which an ended session stays on record. Its fence works for that long. */
const FENCE_MS = 60 * 60 * 1000;

/** Attempts at a change while others change the record at the same time. */
const ATTEMPTS = 20;

/** A session on record. */
export interface StoredSession extends SessionRecord {
  /** The greatest epoch of a claim under which it was changed; 0 if there was none. */
  readonly epoch: number;
  /** The node that has changed it under that claim. */
  readonly node?: string | undefined;
  /** Set once it has ended. */
  readonly isOver?: boolean;
}

/** What the sessions need. */
export interface SessionParts {
  readonly layout: Layout;
  readonly values: Values;
  readonly directory: Directory;
  readonly node: string;
}

/** The sessions of one installation. */
export class JetStreamSessions implements SessionRecords {
  readonly #ready: () => Promise<SessionParts>;

  /** @param ready Resolves when the store is open. */
  constructor(ready: () => Promise<SessionParts>) {
    this.#ready = ready;
  }

  async save({ path, digest, graceLeftMs }: SessionRecord, claim?: SessionClaim): Promise<void> {
    const record = { path, digest, ...(graceLeftMs !== undefined && { graceLeftMs }) };
    await this.#change(path, claim, (fence) => ({ ...record, ...fence }));
  }

  async find(path: string): Promise<SessionRecord | undefined> {
    const { layout, values } = await this.#ready();
    const found = await values.find<StoredSession>(layout.about("ses", path), path);
    return found && !found.value.isOver ? recordIn(found.value) : undefined;
  }

  async remove(path: string, claim?: SessionClaim): Promise<void> {
    await this.#change(path, claim, (fence, found) => {
      return found && !found.isOver ? { path, digest: found.digest, ...fence, isOver: true } : undefined;
    });
  }

  async list(): Promise<SessionRecord[]> {
    const { layout, values, directory, node } = await this.#ready();
    const all = await values.list<StoredSession>(layout.aboutAll("ses"), "");
    const open: SessionRecord[] = [];
    for (const session of all) {
      if (session.isOver) continue;
      // The sessions of living nodes stay with these nodes.
      const isOwned = session.node !== undefined && (session.node === node || (await directory.isAlive(session.node)));
      if (!isOwned) open.push(recordIn(session));
    }
    return open;
  }

  async #change(
    path: string,
    claim: SessionClaim | undefined,
    change: (
      fence: Pick<StoredSession, "epoch" | "node">,
      found: StoredSession | undefined,
    ) => StoredSession | undefined,
  ): Promise<void> {
    const { layout, values, node } = await this.#ready();
    const subject = layout.about("ses", path);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const found = await values.find<StoredSession>(subject, path);
      const known = found?.value.epoch ?? 0;
      if (claim && (claim.epoch < known || !claim.isOurs())) throw fenced(path);
      const fence = { epoch: claim?.epoch ?? known, ...(claim && { node }) };
      const next = change(fence, found?.value);
      if (!next) return;
      const ttlMs = next.isOver ? FENCE_MS : undefined;
      if ((await values.replace(subject, path, next, { expected: found?.seq ?? 0, ttlMs })) !== undefined) return;
    }
    throw storeUnavailable(path);
  }
}

function recordIn({ path, digest, graceLeftMs }: StoredSession): SessionRecord {
  return { path, digest, ...(graceLeftMs !== undefined && { graceLeftMs }) };
}

function fenced(path: string): StreamError {
  return new StreamError("fenced", `Another server process has the append session of "/${path}".`, { path });
}
