/**
 * Plays a schedule on the engine and checks its invariants: every follower gets the file's bytes from its start on,
 * each once and in order, never a byte that is not stored, and then the end.
 * @module
 */
import assert from "node:assert/strict";
import type { Admission } from "../../src/engine/append/registry.ts";
import type { Outcome } from "../../src/engine/follow/followable.ts";
import type { FollowEnd } from "../../src/engine/follow/follower.ts";
import { MIXED_TEXT } from "../fixture/bytes.ts";
import { Rig, type Running, settle } from "../fixture/rig.ts";
import { TestSink } from "../fixture/test-sink.ts";
import type { Action, Schedule } from "./schedule.ts";

const TEXT = Buffer.from(MIXED_TEXT.repeat(40));

/** An appender, and all pieces that were pushed to it. */
interface Session {
  readonly admission: Admission;
  /** The offset at which it began. */
  readonly start: number;
  readonly pushed: Buffer[];
  failed: boolean;
  ended: Promise<Outcome> | undefined;
}

/** A follower, and the session that it follows. */
interface Watcher {
  readonly running: Running;
  readonly session: Session;
  outcome: FollowEnd | undefined;
  /** Number of bytes that it had been sent when it left. */
  leftAt: number | undefined;
}

/** Plays a schedule; rejects if an invariant is violated. */
export async function play({ limits, utf8, actions }: Schedule): Promise<void> {
  const world = new World(new Rig(limits), utf8);
  await world.begin();
  for (const action of actions) {
    await world.act(action);
    world.checkNothingUnstored();
  }
  await world.finish();
}

class World {
  readonly #rig: Rig;
  readonly #utf8: boolean;
  readonly #sessions: Session[] = [];
  readonly #watchers: Watcher[] = [];
  #produced = 0;

  constructor(rig: Rig, utf8: boolean) {
    this.#rig = rig;
    this.#utf8 = utf8;
  }

  get #session(): Session {
    return this.#sessions.at(-1) as Session;
  }

  async begin(): Promise<void> {
    const admission = await this.#rig.admit();
    const start = admission.batcher.channel.size;
    // After a failure the next appender continues with the first byte that was not stored, so that text stays valid.
    this.#produced = start;
    this.#sessions.push({ admission, start, pushed: [], failed: false, ended: undefined });
  }

  async act(action: Action): Promise<void> {
    const { store } = this.#rig;
    switch (action.do) {
      case "push":
        return this.#push(action.bytes);
      case "wait":
        return await wait(action.micro, action.macro);
      case "join":
        return this.#join(action.where, new TestSink(action.text ? "text" : "binary", action.stalled));
      case "hold":
        store.holding = true;
        return;
      case "store":
        return await store.held.shift()?.store();
      case "storePart":
        return await this.#storePart(action.share);
      case "release":
        return await store.letGo();
      case "fail":
        return this.#fail();
      case "end":
        return await this.#end(action.lost);
      default:
        return this.#disturb(action);
    }
  }

  /** Checks that no follower was sent a byte that is not stored. */
  checkNothingUnstored(): void {
    for (const { running, session } of this.#watchers) {
      const { size } = session.admission.batcher.channel;
      const reached = running.start + running.sink.length;
      assert.ok(reached <= size, `a follower has ${reached} bytes, ${size} are stored`);
    }
  }

  /** Completes all pending work, and checks the final state. */
  async finish(): Promise<void> {
    await this.#rig.store.letGo();
    for (const { running } of this.#watchers) running.sink.flow();
    await (this.#session.ended ?? this.#session.admission.end("complete"));
    await settle();
    const file = await this.#rig.stored();
    for (const [at, session] of this.#sessions.entries())
      await this.#checkSession(session, file, this.#sessions[at + 1]);
    for (const watcher of this.#watchers) await this.#checkWatcher(watcher, file);
    for (const { admission } of this.#sessions) assert.equal(admission.batcher.channel.broadcast.size, 0);
  }

  #push(bytes: number): void {
    const piece = this.#utf8 ? textAt(this.#produced, bytes) : bytesAt(this.#produced, bytes);
    this.#produced += piece.length;
    this.#session.pushed.push(piece);
    this.#session.admission.batcher.push(piece);
  }

  #join(where: number, sink: TestSink): void {
    const session = this.#session;
    const { size } = session.admission.batcher.channel;
    // Followers of text begin with a whole character, as a client does that continues at its offset.
    const offset = this.#utf8 ? boundaryBefore(Math.floor(where * (size + 1))) : Math.floor(where * (size + 1));
    const running = this.#rig.follow(session.admission, sink, offset);
    const watcher: Watcher = { running, session, outcome: undefined, leftAt: undefined };
    this.#watchers.push(watcher);
    running.ended.then((outcome) => {
      watcher.outcome = outcome;
    });
  }

  #disturb(action: Extract<Action, { who: number }>): void {
    const watcher = this.#watchers[Math.floor(action.who * this.#watchers.length)];
    if (!watcher) return;
    const { sink, follower } = watcher.running;
    if (action.do === "stall") sink.stall();
    else if (action.do === "flow") sink.flow();
    else if (action.do === "pass") sink.pass(action.bytes);
    else {
      follower.stop();
      watcher.leftAt ??= sink.length;
    }
  }

  async #storePart(share: number): Promise<void> {
    const held = this.#rig.store.held[0];
    if (held) await held.storePart(Math.floor(share * held.unstored));
  }

  #fail(): void {
    const held = this.#rig.store.held.shift();
    if (!held) return;
    this.#session.failed = true;
    held.fail("no_space");
  }

  async #end(lost: boolean): Promise<void> {
    const session = this.#session;
    session.ended = session.admission.end(lost ? "lost" : "complete");
    await this.#rig.store.letGo();
    await session.ended;
    await this.begin();
  }

  async #checkSession(session: Session, file: Buffer, next: Session | undefined): Promise<void> {
    const { start, pushed, failed, admission } = session;
    const end = next?.start ?? file.length;
    const all = Buffer.concat(pushed);
    const stored = file.subarray(start, end);
    assert.ok(stored.equals(all.subarray(0, stored.length)), "what is stored is what was sent, in order");
    if (!failed) assert.equal(stored.length, all.length, "all of it is stored");
    assert.equal(admission.batcher.channel.outcome?.size, end);
  }

  async #checkWatcher({ running, session, outcome, leftAt }: Watcher, file: Buffer): Promise<void> {
    const { sink } = running;
    const end = session.admission.batcher.channel.outcome;
    const start = sink.text ? characterFrom(file.subarray(0, end?.size), running.start) : running.start;
    if (leftAt !== undefined && sink.length === leftAt) {
      assert.ok(sink.bytes.equals(file.subarray(start, start + sink.length)), `from ${start}, up to where it left`);
    } else {
      assert.ok(sink.bytes.equals(file.subarray(start, end?.size)), `from ${start} to ${end?.size}`);
    }
    if (leftAt === undefined) assert.equal(outcome, end?.reason, "it was told how it ended");
    else assert.ok(outcome === "gone" || outcome === end?.reason);
    if (this.#utf8 && sink.text && leftAt === undefined) checkFrames(sink);
  }
}

/** Where a text follow from an offset begins: after the character that contains the offset, if it is inside one. */
function characterFrom(bytes: Buffer, offset: number): number {
  for (let back = 1; back <= 3 && back <= offset; back++) {
    for (let length = back + 1; length <= 4; length++) {
      const from = offset - back;
      if (from + length <= bytes.length && isOneCharacter(bytes.subarray(from, from + length))) return from + length;
    }
  }
  return offset;
}

function isOneCharacter(bytes: Buffer): boolean {
  try {
    return [...new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)].length === 1;
  } catch {
    return false;
  }
}

async function wait(micro: number, macro: number): Promise<void> {
  for (let turn = 0; turn < micro; turn++) await undefined;
  for (let turn = 0; turn < macro; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Bytes that depend on their offset, so that a gap, a duplicate or a swap is detected. */
function bytesAt(offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = ((offset + at) * 167 + ((offset + at) >> 8) * 13) & 0xff;
  return bytes;
}

/** A part of an endless text; it may begin and end inside characters. */
function textAt(offset: number, length: number): Buffer {
  const from = offset % TEXT.length;
  return Buffer.concat([TEXT, TEXT]).subarray(from, from + length);
}

function boundaryBefore(offset: number): number {
  let at = offset;
  while (((TEXT[at % TEXT.length] as number) & 0xc0) === 0x80) at--;
  return at;
}

/** Checks that each frame is valid UTF-8, except the last one, which the end may cut. */
function checkFrames(sink: TestSink): void {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (const frame of sink.frames.slice(0, -1)) strict.decode(frame.bytes);
}
