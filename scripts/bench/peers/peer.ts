/**
 * Those who are measured: what a peer is, and what one of its servers can do.
 * @module
 */
import type { AppendDialect, FollowDialect, Target } from "../generator/protocol.ts";

/**
 * What a peer can do. `append`: take appends. `live`: have followers. `replay`: give a follower everything from the first
 * byte. `read`: give what is stored over HTTP. `local`: run on this machine, where it can be seen what it takes. `copy`:
 * copy files; such a peer is no server.
 */
export type Ability = "append" | "live" | "replay" | "read" | "local" | "copy";

/** What a peer runs on. */
export type PeerRuntime = "node" | "deno" | "bun" | "native";

/** How what is ours is talked to: `httpfstream.v1`, the classic way, or `v1` with followers over HTTP. */
export type Way = "v1" | "classic" | "http";

/** Somebody to measure. */
export interface Peer {
  /** A short stable name, as in `--peers`. */
  readonly name: string;
  /** What it is, for people. */
  readonly title: string;
  /** Its version. */
  readonly version: string;
  readonly runtime: PeerRuntime;
  /** Only what this benchmark is about has one; the others are there to be compared with. */
  readonly way?: Way;
  /** Whether it has a way and is only there to be compared with all the same. */
  readonly isReference?: boolean;
  readonly abilities: readonly Ability[];
  /** Why it can't be measured here and which command changes that; nothing when it can. */
  readonly missing?: string | undefined;
  /** Starts a server that keeps its data in a folder. */
  start(folder: string): Promise<Server>;
}

/** A running server of a peer. */
export interface Server {
  /** Its processes, workers included; none when it runs elsewhere. */
  readonly pids: readonly number[];
  /** Where to append to a path. */
  append(path: string): Target<AppendDialect>;
  /** Where to follow a path, from its first byte or from its end. */
  follow(path: string, from: "start" | "now"): Target<FollowDialect>;
  /** Where to read a path over HTTP. */
  read(path: string): Target<"body">;
  /** The file that a path is kept in, where paths are plain files. */
  file?(path: string): string;
  /** Ends it. */
  stop(): Promise<void>;
}

/** The target of what a peer can't do. */
export function nowhere(): never {
  throw new Error("This was asked of a peer that can't do it.");
}
