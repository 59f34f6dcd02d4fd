/**
 * The names of the streams, and the subjects of paths and records. See docs/cluster-layout.md.
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** Bytes of a digest in a subject. 128 bits: two folders of one installation never have the same. */
const DIGEST_BYTES = 16;

/** Where the records of a path are. */
export interface Place {
  /** The resource path. */
  readonly path: string;
  /** The stream of its shard. */
  readonly stream: string;
  /** The number of its shard. */
  readonly shard: number;
  /** The subject of its records. */
  readonly subject: string;
  /** The subject on which the server republishes each of them. */
  readonly live: string;
}

/** The names of one installation. */
export class Layout {
  readonly prefix: string;
  /** How many streams the paths are spread over. Fixed when the installation is created. */
  readonly shards: number;
  /** The stream of settings, sessions, and what is kept beside the paths: one message per subject. */
  readonly meta: string;
  /** The stream of the leases of nodes, whose messages the server removes by their age. */
  readonly nodes: string;

  /**
   * @param prefix The beginning of all subjects.
   * @param shards How many streams the paths are spread over.
   */
  constructor(prefix: string, shards: number) {
    this.prefix = prefix;
    this.shards = shards;
    this.meta = metaStream(prefix);
    this.nodes = `${nameOf(prefix)}_NODE`;
  }

  /** The name of the stream of a shard. */
  shardStream(shard: number): string {
    return `${nameOf(this.prefix)}_${shard}`;
  }

  /** The subjects of the stream of a shard: records of paths, parts of large batches, and barriers. */
  shardSubjects(shard: number): string[] {
    return [
      `${this.prefix}.fs.${shard}.*.*`,
      `${this.prefix}.part.${shard}.*.*`,
      this.barrier(this.shardStream(shard)),
    ];
  }

  /** The source and the destination of the republished records of a shard. */
  republished(shard: number): { src: string; dest: string } {
    return { src: `${this.prefix}.fs.${shard}.>`, dest: `${this.prefix}.live.${shard}.>` };
  }

  /** Where the records of a path are. */
  placeOf(path: string): Place {
    const shard = shardOf(path, this.shards);
    const tokens = `${shard}.${tokensOf(path)}`;
    return {
      path,
      shard,
      stream: this.shardStream(shard),
      subject: `${this.prefix}.fs.${tokens}`,
      live: `${this.prefix}.live.${tokens}`,
    };
  }

  /** The subjects of all entries of a folder in one shard. */
  entriesOf(folder: string, shard: number): string {
    return `${this.prefix}.fs.${shard}.${digestOf(folder)}.*`;
  }

  /** The subject of the parts of one large batch; `*` in place of its id for all of a content. */
  parts(shard: number, generation: string, id: string): string {
    return `${this.prefix}.part.${shard}.${generation}.${id}`;
  }

  /** The subject of the barriers of a stream: that of a shard, or {@link meta}. */
  barrier(stream: string): string {
    return `${this.prefix}.bar.${stream}`;
  }

  /** The subject of the lease of a node. */
  lease(node: string): string {
    return `${this.prefix}.node.${node}`;
  }

  /** The subjects of the leases of all nodes. */
  get leases(): string {
    return this.lease("*");
  }

  /** The node whose lease has a subject. */
  nodeOf(lease: string): string {
    return lease.slice(this.lease("").length);
  }

  /** The subject on which a node answers questions about the paths that it owns. */
  own(node: string): string {
    return `${this.prefix}.own.${node}`;
  }

  /** The subject of what is kept of a kind about a path, such as its session. */
  about(kind: PathKind, path: string): string {
    return `${this.prefix}.${kind}.${tokensOf(path)}`;
  }

  /** The subjects of what is kept of a kind about all entries of a folder; of all folders without one. */
  aboutAll(kind: PathKind, folder?: string): string {
    return folder === undefined ? `${this.prefix}.${kind}.*.*` : `${this.prefix}.${kind}.${digestOf(folder)}.*`;
  }

  /** The subject of the note that one path is a fork of another one; without a fork, the subjects of all such notes. */
  fork(source: string, fork?: string): string {
    return `${this.prefix}.fork.${digestOf(source)}.${fork === undefined ? "*" : digestOf(fork)}`;
  }

  /** The subject of a record with a name of its own, such as a subscription; without a name, the subjects of all of a kind. */
  named(kind: NamedKind, name?: string): string {
    return `${this.prefix}.${kind}.${name === undefined ? "*" : digestOf(name)}`;
  }

  /** The subjects of the stream {@link meta}. */
  metaSubjects(): string[] {
    const ofPaths = PATH_KINDS.map((kind) => `${this.prefix}.${kind}.*.*`);
    const ofNames = NAMED_KINDS.map((kind) => `${this.prefix}.${kind}.*`);
    return [...ofPaths, ...ofNames, `${this.prefix}.fork.*.*`, this.barrier(this.meta)];
  }
}

const PATH_KINDS = ["ses", "ds", "use"] as const;
const NAMED_KINDS = ["sub", "lock", "set"] as const;

/** What is kept about a path: its session, what is known of it as a stream, its last use. */
export type PathKind = (typeof PATH_KINDS)[number];

/** What is kept under a name: subscriptions, locks, settings. */
export type NamedKind = (typeof NAMED_KINDS)[number];

/** The name of the stream that tells whether the installation exists, and how many shards it has. */
export function metaStream(prefix: string): string {
  return `${nameOf(prefix)}_META`;
}

/** The name of the entry whose subject this is. */
export function entryName(subject: string): string {
  return Buffer.from(subject.slice(subject.lastIndexOf(".") + 1), "base64url").toString("utf8");
}

/** The path of the folder that a path is in, the empty string for the root; undefined for the root itself. */
export function folderOf(path: string): string | undefined {
  if (path === "") return undefined;
  const end = path.lastIndexOf("/");
  return end === -1 ? "" : path.slice(0, end);
}

function nameOf(prefix: string): string {
  return prefix.toUpperCase();
}

function tokensOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return `${digestOf(folderOf(path) ?? "/")}.${Buffer.from(name, "utf8").toString("base64url") || "-"}`;
}

function shardOf(path: string, shards: number): number {
  return createHash("sha256").update(path).digest().readUInt32BE(0) % shards;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest().subarray(0, DIGEST_BYTES).toString("base64url");
}
