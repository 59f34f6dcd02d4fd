/**
 * The interfaces of a peer and of its server.
 * @module
 */
import type { AppendDialect, FollowDialect, Target } from "../generator/protocol.ts";

/**
 * What a peer can do. `append`: accept appends. `live`: serve followers. `replay`: serve followers from the first byte.
 * `read`: serve stored bytes over HTTP. `local`: run on this machine, so that its costs can be measured. `copy`: copy
 * files; such a peer is not a server.
 */
export type Ability = "append" | "live" | "replay" | "read" | "local" | "copy";

/** The runtime of a peer. */
export type PeerRuntime = "node" | "deno" | "bun" | "native";

/** How to talk to httpfstream: `httpfstream.v1`, the classic protocol, or `v1` with followers over HTTP. */
export type Way = "v1" | "classic" | "http";

/** A system to measure. */
export interface Peer {
  /** A short stable name, as in `--peers`. */
  readonly name: string;
  /** The title in reports. */
  readonly title: string;
  /** The version, for reports. */
  readonly version: string;
  readonly runtime: PeerRuntime;
  /** Set for httpfstream only; the other peers are compared with. */
  readonly way?: Way;
  /** Whether it is only compared with although it has a way. Default: false. */
  readonly isReference?: boolean;
  readonly abilities: readonly Ability[];
  /** Why it can't be measured here, and the command that fixes it; undefined if it can. */
  readonly missing?: string | undefined;
  /** Starts a server that stores its data in a folder. */
  start(folder: string): Promise<Server>;
}

/** A running server of a peer. */
export interface Server {
  /** The ids of its processes, including workers; empty if it runs on another machine. */
  readonly pids: readonly number[];
  /** The target for appends to a path. */
  append(path: string): Target<AppendDialect>;
  /** The target for follows of a path, from its first byte or from its end. */
  follow(path: string, from: "start" | "now"): Target<FollowDialect>;
  /** The target for reads of a path over HTTP. */
  read(path: string): Target<"body">;
  /** The file of a path; only for peers that store plain files. */
  file?(path: string): string;
  /** Stops the server. */
  stop(): Promise<void>;
}

/** The target of an operation that a peer does not support. Always throws. */
export function nowhere(): never {
  throw new Error("This was asked of a peer that can't do it.");
}
