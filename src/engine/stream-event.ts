/**
 * The events that a server reports to its program: what happened to its streams.
 * @module
 */
import type { EndReason } from "../protocol/end-reason.ts";
import type { StreamError } from "../protocol/errors.ts";
import type { Transport } from "./events.ts";

/**
 * An append began: its path has an appender. An append whose appender loses its connection and resumes it is one append; a
 * restart of the server ends it with `restarting`, and it begins again.
 */
export interface AppendBegan {
  /** Always `began`. */
  readonly type: "began";
  /** Always `append`. */
  readonly action: "append";
  /** The resource path. */
  readonly path: string;
  /** The offset of the first byte that is appended. */
  readonly offset: number;
  /** The generation of the content. */
  readonly generation: string;
  /** The id of the request that began it, as in `X-Request-Id`; missing if this program did, or a restart. */
  readonly requestId?: string;
}

/** An append has ended: everything is stored, its followers are informed, and its path is free. */
export interface AppendEnded {
  /** Always `ended`. */
  readonly type: "ended";
  /** Always `append`. */
  readonly action: "append";
  /** The resource path. */
  readonly path: string;
  /** The size of the resource in bytes. */
  readonly offset: number;
  /** The generation of the content. */
  readonly generation: string;
  /** The id of the request that began it, as in `X-Request-Id`; missing if this program did, or a restart. */
  readonly requestId?: string;
  /** Why it ended. */
  readonly reason: EndReason;
  /**
   * What ended it, if it failed: storing, the source, or the appender's connection. Missing for a shutdown. `lost` is without
   * an error only where the program has aborted the append without a reason.
   */
  readonly error?: StreamError;
}

/** A follow began. */
export interface FollowBegan {
  /** Always `began`. */
  readonly type: "began";
  /** Always `follow`. */
  readonly action: "follow";
  /** The resource path. */
  readonly path: string;
  /** The offset of the first byte. */
  readonly offset: number;
  /** How the follower is connected. */
  readonly transport: Transport;
  /** The follower's address, if the runtime exposes it. */
  readonly peer?: string;
  /** The id of the request, as in `X-Request-Id`; missing for what the program that runs the server does. */
  readonly requestId?: string;
}

/** A follow has ended. */
export interface FollowEnded {
  /** Always `ended`. */
  readonly type: "ended";
  /** Always `follow`. */
  readonly action: "follow";
  /** The resource path. */
  readonly path: string;
  /** The offset just past the last byte that was sent. */
  readonly offset: number;
  /** How the follower was connected. */
  readonly transport: Transport;
  /** The follower's address, if the runtime exposes it. */
  readonly peer?: string;
  /** The id of the request, as in `X-Request-Id`; missing for what the program that runs the server does. */
  readonly requestId?: string;
  /** As the append ended; `gone` if the follower left; `rotated` if its server-sent events have lasted long enough; or an error code. */
  readonly reason: string;
  /** What ended it, if reading or sending failed. */
  readonly error?: StreamError;
}

/** A resource was removed. */
export interface StreamRemoved {
  /** Always `removed`. */
  readonly type: "removed";
  /** The resource path. */
  readonly path: string;
  /** The id of the request, as in `X-Request-Id`; missing for what the program that runs the server does. */
  readonly requestId?: string;
}

/** A request was refused, or failed. */
export interface RequestRefused {
  /** Always `refused`. */
  readonly type: "refused";
  /** The method, such as `GET`. */
  readonly method: string;
  /** The resource path, if the URL names one. */
  readonly path?: string;
  /** Why; its `code` and `status` are those of the response. */
  readonly error: StreamError;
  /** The client's address, if the runtime exposes it. */
  readonly peer?: string;
  /** The id of the request, as in `X-Request-Id`. */
  readonly requestId: string;
}

/** What happened to the streams of a server. Distinguish events by `type`, then by `action`. */
export type StreamEvent = AppendBegan | AppendEnded | FollowBegan | FollowEnded | StreamRemoved | RequestRefused;
