/**
 * An append that closes its stream at the end, where the protocol of the append has no word for that.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import { Scope } from "../../support/scope.ts";
import type { Environment } from "../connection/environment.ts";
import { aborted, broken } from "../connection/failure.ts";
import type { Target } from "../connection/target.ts";
import { closeStream } from "../durable/close.ts";
import { StreamExchange } from "../durable/exchange.ts";
import { Reconnector, type RetryOptions } from "../retry/reconnector.ts";
import type { Appending, AppendState, ResumePoint } from "./state.ts";

/** What closing needs. */
export interface ClosingParts {
  readonly environment: Environment;
  readonly target: Target;
  /** Whether to ask for another token if one is refused. */
  readonly renewsToken: boolean;
  readonly options: RetryOptions & { readonly signal?: AbortSignal };
  report(state: AppendState): void;
}

/** Ends an append, and then closes its stream with a request of its own. */
export class ClosingAppend implements Appending {
  readonly failed: Promise<StreamError>;
  readonly #appending: Appending;
  readonly #parts: ClosingParts;

  constructor(appending: Appending, parts: ClosingParts) {
    this.#appending = appending;
    this.#parts = parts;
    this.failed = appending.failed;
  }

  get bytes(): number {
    return this.#appending.bytes;
  }

  get offset(): number | undefined {
    return this.#appending.offset;
  }

  get resumePoint(): ResumePoint | undefined {
    return this.#appending.resumePoint;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#appending.write(bytes);
  }

  /** @throws {StreamError} if the append or the closing fails. The bytes are stored in the latter case. */
  async close(): Promise<void> {
    await this.#appending.close();
    const { environment, target, options, renewsToken, report } = this.#parts;
    const scope = new Scope(options.signal);
    const { signal } = scope;
    const { clock } = environment;
    const reconnector = new Reconnector({
      ...{ clock, options, renewsToken, signal, resuming: false, onRetrying: report },
      random: () => environment.random(),
    });
    // The append has reached the server.
    reconnector.reached();
    const exchange = new StreamExchange(environment, target, signal);
    try {
      for (;;) {
        try {
          await closeStream(exchange, target.url);
          return;
        } catch (error) {
          await reconnector.lost(broken(error, target.url));
        }
      }
    } catch (error) {
      throw signal.aborted ? aborted(signal, target.url) : broken(error, target.url);
    } finally {
      scope.end();
    }
  }

  leave(reason: unknown): Promise<void> {
    return this.#appending.leave(reason);
  }

  abort(): void {
    this.#appending.abort();
  }
}
