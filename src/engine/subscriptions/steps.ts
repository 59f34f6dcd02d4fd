/**
 * The steps of a wake: each checks that nothing has happened since it was planned.
 * @module
 */
import type { SubscriptionRecord } from "../storage/subscription-record.ts";
import type { DeliveryResult } from "./delivery.ts";
import { ackedAll, firstPending, inPhase, retryMs, slept, type Tails, told, woken } from "./transitions.ts";

/** The result of checking the streams of a subscription: its record after that, and the ends of the streams. */
export interface Looked {
  readonly record: SubscriptionRecord;
  readonly tails: Tails;
}

/**
 * Decides about a change of a record: the new record, `null` to remove it, undefined to leave it. `look` checks the streams.
 */
export type Change = (
  found: SubscriptionRecord | undefined,
  look: (record: SubscriptionRecord) => Promise<Looked>,
) => Promise<SubscriptionRecord | null | undefined>;

/**
 * Begins an attempt at a delivery.
 *
 * @param maxMs Milliseconds after which another process repeats it.
 * @param onLook Receives the ends of the streams that are sent to the worker.
 */
export function beginning(planned: SubscriptionRecord, maxMs: number, onLook: (tails: Tails) => void): Change {
  return async (found, look) => {
    if (!found || !isSame(found, planned)) return undefined;
    const { record, tails } = await look(found);
    onLook(tails);
    // The stream may have been removed since.
    if (!firstPending(record, tails)) return slept(record);
    return told(inPhase(record, "sending", Date.now() + maxMs), tails);
  };
}

/** Ends an attempt. */
export function settling({ nonce, wake }: SubscriptionRecord, outcome: DeliveryResult["outcome"]): Change {
  return async (found, look) => {
    if (found?.nonce !== nonce || found.wake?.id !== wake?.id) return undefined;
    const isSending = found.wake?.phase === "sending";
    if (outcome === "done") {
      const { record, tails } = await look(slept(ackedAll(found)));
      return woken({ ...record, failures: 0 }, tails);
    }
    if (outcome === "accepted") {
      const untilMs = found.config.type === "webhook" ? Date.now() + found.config.leaseTtlMs : undefined;
      return { ...(isSending ? inPhase(found, "sent", untilMs) : found), failures: 0 };
    }
    // Meanwhile its worker has shown that it has the wake.
    if (!isSending) return undefined;
    return outcome === "stopped" ? inPhase(found, "due", undefined) : retried(found);
  };
}

/** Ends an attempt whose process has vanished, or a wake whose worker has. */
export function expiring(planned: SubscriptionRecord): Change {
  return async (found, look) => {
    if (!found || !isSame(found, planned)) return undefined;
    if (found.wake?.phase === "sending") return retried(found);
    const { record, tails } = await look(slept(found));
    return woken(record, tails);
  };
}

function retried(record: SubscriptionRecord): SubscriptionRecord {
  const failures = record.failures + 1;
  return { ...inPhase(record, "due", Date.now() + retryMs(failures, Math.random())), failures };
}

function isSame(one: SubscriptionRecord, other: SubscriptionRecord): boolean {
  return one.nonce === other.nonce && one.revision === other.revision;
}
