/**
 * Live response bodies, as a server that writes responses itself sees them.
 * @module
 */
import type { Sink } from "../../engine/follow/follower.ts";

/** Writes a response body. As a {@link Sink}, it sends each frame as the next bytes of the body. */
export interface BodyWriter extends Sink {
  /** Ends the body normally. */
  end(): void;
}

/** A body whose frames can bypass its stream. */
export interface LiveBody {
  /** Passes all bytes of the body, and those to come, to `writer` instead of the stream. */
  divert(writer: BodyWriter): Promise<void>;
}

/** The live bodies, by their streams. */
export const liveBodies: WeakMap<ReadableStream<Uint8Array>, LiveBody> = new WeakMap();
