/**
 * Delivers one wake: sends a webhook, or appends an event to a stream.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { isJsonType } from "../../protocol/media-type.ts";
import { formatOffset } from "../../protocol/offset.ts";
import type { DurableStreams } from "../durable/durable-streams.ts";
import type { SubscriptionRecord } from "../storage/subscription-record.ts";
import type { SigningKeys } from "./signing.ts";
import { isPending, type Tails } from "./transitions.ts";
import { below } from "./watched-paths.ts";
import type { WebhookSender } from "./webhook-sender.ts";

/** A stream in the notice to the worker of a wake. */
export interface StreamInfo {
  readonly path: string;
  readonly link_type: "explicit" | "glob";
  readonly acked_offset: string;
  readonly tail_offset: string;
  readonly has_pending: boolean;
}

/** The parts of the server that deliveries need. */
export interface DeliveryParts {
  readonly durable: DurableStreams;
  readonly sender: WebhookSender;
  readonly timeoutMs: number;
}

/** One attempt at a delivery. The record has the wake. */
export interface Attempt {
  readonly record: SubscriptionRecord;
  readonly tails: Tails;
  readonly keys: SigningKeys;
  readonly signal: AbortSignal;
}

/** The outcome of an attempt. */
export interface DeliveryResult {
  /** `done`: the receiver has processed everything that was reported to it. `stopped`: the server shuts down. */
  readonly outcome: "accepted" | "done" | "failed" | "stopped";
  /** The status of the answer, if there was one. */
  readonly status?: number;
  /** Why it failed. */
  readonly error?: unknown;
}

/** The streams of a subscription in the notice to its worker. */
export function streamInfos({ streams }: SubscriptionRecord, tails: Tails): StreamInfo[] {
  return streams.map((link) => ({
    path: link.path,
    link_type: link.explicit ? "explicit" : "glob",
    acked_offset: formatOffset(link.acked),
    tail_offset: formatOffset(tails.get(link.path)?.offset ?? 0),
    has_pending: isPending(link, tails),
  }));
}

/** The URL of an action on a subscription. */
function actionUrl({ baseUrl, id }: SubscriptionRecord, action: string): string {
  return `${baseUrl}/__ds/subscriptions/${encodeURIComponent(id)}/${action}`;
}

/** Delivers a wake. Never throws. */
export async function deliver(parts: DeliveryParts, attempt: Attempt): Promise<DeliveryResult> {
  try {
    const isWebhook = attempt.record.config.type === "webhook";
    return await (isWebhook ? sendWebhook(parts, attempt) : appendEvent(parts, attempt));
  } catch (error) {
    return { outcome: attempt.signal.aborted ? "stopped" : "failed", error };
  }
}

async function sendWebhook({ sender, timeoutMs }: DeliveryParts, attempt: Attempt): Promise<DeliveryResult> {
  const { record, tails, keys, signal } = attempt;
  const { root, id, nonce, generation, wake } = record;
  const body = JSON.stringify({
    subscription_id: id,
    wake_id: wake?.id,
    generation,
    streams: streamInfos(record, tails),
    callback_url: actionUrl(record, "callback"),
    callback_token: await keys.token({ root, id, nonce, generation }),
  });
  const signature = await keys.sign(body, Math.floor(Date.now() / 1_000));
  const headers = { "Content-Type": "application/json", "Webhook-Signature": signature };
  signal.throwIfAborted();
  const { status, text } = await sender.send({ url: record.config.url ?? "", headers, body, timeoutMs, signal });
  if (status < 200 || status > 299) {
    return { outcome: "failed", status, error: new Error(`The receiver has answered with the status ${status}.`) };
  }
  return { outcome: isDone(text) ? "done" : "accepted", status };
}

function isDone(text: string): boolean {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === "object" && answer !== null && (answer as { done?: unknown }).done === true;
  } catch {
    return false;
  }
}

async function appendEvent({ durable }: DeliveryParts, { record }: Attempt): Promise<DeliveryResult> {
  const { root, id, generation, wake, config } = record;
  const path = below(root, config.wakeStream ?? "");
  const state = await durable.use(path);
  if (!isJsonType(state?.type)) {
    throw new StreamError(
      "not_found",
      `The wake stream "/${path}" does not exist. Create it with the type application/json.`,
      { path },
    );
  }
  const event = { type: "wake", subscription_id: id, stream: wake?.cause, generation, ts: Date.now() };
  const ask = {
    ...{ bytes: new TextEncoder().encode(JSON.stringify(event)), type: "application/json", expected: undefined },
    ...{ closes: false, seq: undefined, producer: undefined },
  };
  await durable.append(path, ask, { preconditions: {}, requestId: undefined });
  return { outcome: "accepted" };
}
