/**
 * What the server refuses by itself, before the app gets a request.
 * @module
 */
import type { ErrorCode } from "../../../protocol/errors.ts";

/** A connection or a request that the server in front of the app has refused. */
export interface ServerRefusal {
  /** Why. */
  readonly code: ErrorCode;
  /** The sentence that the client got, if it got one. It may quote what the client sent: escape it before display. */
  readonly message: string;
  /** The client's address. */
  readonly peer?: string;
}

/** Receives what a server has refused by itself. */
export type OnRefused = (refusal: ServerRefusal) => void;
