/**
 * Claims a path, and waits while it has another appender.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { AppendPreconditions } from "../append/claim.ts";
import type { Admission, AppendRegistry } from "../append/registry.ts";
import { NoticeWait } from "../follow/notice-wait.ts";

/** Milliseconds between two attempts while another process has the path, and does not report that it is free. */
const RETRY_MS = 100;

/** What to claim, and for how long to try. */
export interface Attempt {
  readonly path: string;
  readonly terms: AppendPreconditions;
  /** When to give up, on the clock of `performance.now()`. */
  readonly untilMs: number;
}

/**
 * Claims a path. While another appender has it, waits until the path is free.
 *
 * @throws {StreamError} `busy` if the path does not become free in time; what {@link AppendRegistry.admit} throws.
 */
export async function claimInTime(registry: AppendRegistry, { path, terms, untilMs }: Attempt): Promise<Admission> {
  let withdraw: (() => Promise<void>) | undefined;
  let notices: NoticeWait | undefined;
  try {
    for (;;) {
      try {
        return await registry.admit(path, terms);
      } catch (error) {
        const leftMs = untilMs - performance.now();
        if (!(error instanceof StreamError && error.code === "conflict")) throw error;
        if (leftMs <= 0) throw busy(path, error);
        const free = registry.whenFree(path);
        // Before the request: the answer may be that the path is free.
        notices ??= new NoticeWait(registry.store, path);
        // A writer in another process hands over an idle claim. A session would hand itself over.
        if (!free && !(await registry.store.sessions.find(path))) {
          withdraw ??= await registry.store.requestHandover?.(path);
        }
        if (free) await settledWithin(free, leftMs);
        else await notices.within(Math.min(leftMs, RETRY_MS));
      }
    }
  } finally {
    notices?.stop();
    await withdraw?.();
  }
}

function busy(path: string, cause: StreamError): StreamError {
  const message = `"/${path}" has an appender that has not ended in time. Nothing was stored. Try again in a moment.`;
  return new StreamError("busy", message, { path, cause, headers: { "Retry-After": "1" } });
}

async function settledWithin(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
