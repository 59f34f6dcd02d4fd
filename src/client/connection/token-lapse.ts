/**
 * The error that a new token may resolve.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/**
 * The token of an append or a follow has expired, or could not be obtained. Unlike a refusal with 401, which has been
 * answered with a new token already, this is worth another attempt.
 */
export class TokenLapse extends StreamError {
  /**
   * @param message A sentence.
   * @param path The URL of the resource.
   * @param cause Why no token could be obtained, if that is the reason.
   */
  constructor(message: string, path: string, cause?: unknown) {
    super("unauthorized", message, cause === undefined ? { path } : { path, cause });
  }
}
