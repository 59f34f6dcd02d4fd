/**
 * The subscriptions of a server, and what its operator learns of them.
 * @module
 */
import type { AppendRegistry } from "../../../engine/append/registry.ts";
import type { DurableStreams } from "../../../engine/durable/durable-streams.ts";
import { SubscriptionActions } from "../../../engine/subscriptions/actions.ts";
import { type Delivered, Subscriptions } from "../../../engine/subscriptions/subscriptions.ts";
import type { WebhookSender } from "../../../engine/subscriptions/webhook-sender.ts";
import { causesOf } from "../../../support/printable.ts";
import type { Reporter } from "../../service/reporter.ts";

/** The parts of subscriptions. */
export interface SubscriptionParts {
  readonly registry: AppendRegistry;
  readonly durable: DurableStreams | undefined;
  readonly reporter: Reporter;
  /** Undefined if subscriptions are off. */
  readonly sender: WebhookSender | undefined;
}

/** Opens the subscriptions of a server; undefined if they are off. @throws {TypeError} if the store or an option excludes them. */
export function openSubscriptions(parts: SubscriptionParts): SubscriptionActions | undefined {
  const { registry, durable, reporter, sender } = parts;
  const { subscriptions: records } = registry.store;
  if (!sender) return undefined;
  if (!durable || !records) {
    const why = durable ? "the store keeps no records of them" : "they belong to Durable Streams, which are off";
    throw new TypeError(`The option "webhooks" of fstream() can't be used: ${why}.`);
  }
  const delivered = (event: Delivered): void => report(reporter, event);
  const failed = (path: string, error: unknown, message: string): void => reporter.failed(path, error, message);
  const subscriptions = new Subscriptions({ registry, durable, sender, records, events: { delivered, failed } });
  subscriptions.start().catch((error: unknown) => {
    reporter.failed(undefined, error, "The subscriptions on record can't be read.");
  });
  return new SubscriptionActions(subscriptions);
}

function report(reporter: Reporter, { record, outcome, status, error, durationMs }: Delivered): void {
  const { root, id, generation, config } = record;
  reporter.traffic.delivered(config.type, outcome);
  if (!reporter.hasLog) return;
  const cause = error === undefined ? "" : causesOf(error, "");
  reporter.log({
    ...{ type: "delivery", path: root, subscription: id, kind: config.type, generation, outcome, durationMs },
    ...(status !== undefined && { status }),
    ...(cause !== "" && { cause }),
  });
}
