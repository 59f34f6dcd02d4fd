/**
 * The answers of the control paths of subscriptions.
 * @module
 */

import type { SubscriptionRecord } from "../../../engine/storage/subscription-record.ts";
import type { Claimed } from "../../../engine/subscriptions/actions.ts";
import type { PublicKey } from "../../../engine/subscriptions/signing.ts";
import type { SubscriptionError } from "../../../engine/subscriptions/subscription-error.ts";
import { CONTROL_SEGMENT } from "../../../engine/subscriptions/watched-paths.ts";
import { formatOffset } from "../../../protocol/offset.ts";

/** Seconds that caches may keep the public key. */
const KEY_SECONDS = 300;

/** An answer with a JSON value. */
export function jsonAnswer(status: number, value: unknown): Response {
  return new Response(JSON.stringify(value), { status, headers: headersOf("application/json") });
}

/** The answer to what has been done. */
export function noContent(): Response {
  const headers = headersOf("application/json");
  headers.delete("Content-Type");
  return new Response(null, { status: 204, headers });
}

/** A refusal with a code of the protocol. */
export function errorAnswer({ status, code, message, details }: SubscriptionError): Response {
  const response = jsonAnswer(status, { error: { code, message, ...details } });
  if (status === 401) response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

/** The public keys. */
export function keySet(key: PublicKey): Response {
  const headers = headersOf("application/jwk-set+json");
  headers.set("Cache-Control", `public, max-age=${KEY_SECONDS}`);
  return new Response(JSON.stringify({ keys: [key] }), { headers });
}

/** A claimed wake. */
export function claimAnswer({ wakeId, generation, token, streams, leaseTtlMs }: Claimed): Response {
  return jsonAnswer(200, { wake_id: wakeId, generation, token, streams, lease_ttl_ms: leaseTtlMs });
}

/** A subscription. */
export function subscriptionAnswer(status: number, record: SubscriptionRecord, key: PublicKey): Response {
  const { id, baseUrl, createdAt, config, streams, failures, wake } = record;
  const jwksUrl = `${baseUrl}/${CONTROL_SEGMENT}/jwks.json`;
  const signing = { alg: "ed25519", kid: key.kid, jwks_url: jwksUrl };
  return jsonAnswer(status, {
    ...{ id, subscription_id: id, type: config.type, pattern: config.pattern ?? null },
    streams: streams.map(({ path, explicit, acked }) => ({
      ...{ path, link_type: explicit ? "explicit" : "glob", acked_offset: formatOffset(acked) },
    })),
    ...(config.url !== undefined && { webhook: { url: config.url, signing } }),
    wake_stream: config.wakeStream ?? null,
    lease_ttl_ms: config.leaseTtlMs,
    created_at: createdAt,
    status: failures > 0 ? "failed" : "active",
    ...(wake?.phase === "due" &&
      wake.untilMs !== undefined && { next_attempt_at: new Date(wake.untilMs).toISOString() }),
    ...(config.description !== undefined && { description: config.description }),
  });
}

function headersOf(type: string): Headers {
  return new Headers({ "Content-Type": type, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });
}
