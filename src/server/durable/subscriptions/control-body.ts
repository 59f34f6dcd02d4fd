/**
 * The bodies of requests for subscriptions.
 * @module
 */

import { isJson, withoutMark } from "../../../engine/durable/json-messages.ts";
import type { SubscriptionConfig } from "../../../engine/storage/subscription-record.ts";
import type { WorkerRequest } from "../../../engine/subscriptions/actions.ts";
import { SubscriptionError } from "../../../engine/subscriptions/subscription-error.ts";
import type { Ack } from "../../../engine/subscriptions/transitions.ts";
import { globOf } from "../../../engine/subscriptions/watched-paths.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { parseStreamOffset } from "../../../protocol/offset.ts";
import { relativePath, withoutOuterSlashes } from "./control-path.ts";

const DEFAULT_LEASE_MS = 30_000;
const MIN_LEASE_MS = 1_000;
const MAX_LEASE_MS = 600_000;

/** Maximum characters of a URL, a description or the name of a worker. */
const MAX_CHARACTERS = 2_048;

/** Half of a character. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A JSON object. */
export type Body = Readonly<Record<string, unknown>>;

/** @throws {SubscriptionError} `INVALID_REQUEST` for anything but a JSON object; an empty body is an empty one. */
export function parseBody(bytes: Uint8Array): Body {
  if (bytes.length === 0) return {};
  const json = withoutMark(bytes);
  // Deeply nested JSON is refused first, because `JSON.parse` would need most of a second for it.
  const body: unknown = isJson(json) ? JSON.parse(new TextDecoder().decode(json)) : undefined;
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Body;
  throw invalid("The body must be a JSON object, in UTF-8 and nested at most 1,000 levels deep.");
}

/**
 * The configuration of a subscription.
 *
 * @throws {SubscriptionError} `INVALID_REQUEST`
 */
export function configOf(body: Body): SubscriptionConfig {
  const { type, lease_ttl_ms: leaseTtlMs = DEFAULT_LEASE_MS } = body;
  if (type !== "webhook" && type !== "pull-wake") throw invalid('"type" must be "webhook" or "pull-wake".');
  const pattern = textIn(body, "pattern");
  const streams = body["streams"] === undefined ? [] : pathsIn(body);
  if (pattern === undefined && streams.length === 0) throw invalid('"pattern" or "streams" must say what is watched.');
  const isLease = typeof leaseTtlMs === "number" && Number.isInteger(leaseTtlMs);
  if (!isLease || leaseTtlMs < MIN_LEASE_MS || leaseTtlMs > MAX_LEASE_MS) {
    throw invalid(`"lease_ttl_ms" must be a whole number from ${MIN_LEASE_MS} to ${MAX_LEASE_MS}.`);
  }
  const description = textIn(body, "description");
  return {
    type,
    streams: [...new Set(streams)].sort(),
    leaseTtlMs,
    ...(pattern !== undefined && { pattern: patternIn(pattern) }),
    ...(type === "webhook" ? { url: urlIn(body) } : { wakeStream: wakeStreamIn(body) }),
    ...(description !== undefined && { description }),
  };
}

/**
 * The paths in the member `streams`.
 *
 * @throws {SubscriptionError} `INVALID_REQUEST`
 */
export function pathsIn(body: Body): string[] {
  const { streams } = body;
  if (!Array.isArray(streams) || streams.length === 0) throw invalid('"streams" must be a list of paths.');
  return streams.map((path: unknown) => pathIn("streams", path));
}

/** @throws {SubscriptionError} `INVALID_REQUEST` */
export function workerIn(body: Body): string {
  const worker = textIn(body, "worker");
  if (worker === undefined) throw invalid('"worker" must be a name.');
  return worker;
}

/**
 * The report of a worker about its wake.
 *
 * @throws {SubscriptionError} `INVALID_REQUEST`, `INVALID_OFFSET`
 */
export function workerRequest(body: Body, token: string): WorkerRequest {
  const { wake_id: wakeId, generation, acks = [], done = false } = body;
  if (!Array.isArray(acks)) throw invalid('"acks" must be a list.');
  return { token, wakeId, generation, acks: acks.map(ackIn), done: done === true };
}

function ackIn(value: unknown): Ack {
  if (typeof value !== "object" || value === null) throw invalid('Each of "acks" must be an object.');
  const { stream, path = stream, offset } = value as Body;
  if (typeof offset !== "string" || !/^\d/.test(offset)) {
    throw new SubscriptionError("INVALID_OFFSET", 'The "offset" of each of "acks" must be an offset of its stream.');
  }
  try {
    return { path: pathIn("stream", path), offset: parseStreamOffset("offset", offset) };
  } catch (error) {
    if (error instanceof StreamError) throw new SubscriptionError("INVALID_OFFSET", error.message);
    throw error;
  }
}

function urlIn({ webhook }: Body): string {
  const url = typeof webhook === "object" && webhook !== null ? textIn(webhook as Body, "url") : undefined;
  if (url === undefined) throw invalid('A webhook needs "webhook": {"url": …}.');
  return url;
}

function wakeStreamIn(body: Body): string {
  const path = textIn(body, "wake_stream");
  if (path === undefined) throw invalid('A pull-wake needs "wake_stream", the path of a stream of JSON.');
  return pathIn("wake_stream", path);
}

function patternIn(text: string): string {
  const pattern = withoutOuterSlashes(text);
  try {
    globOf(pattern);
    return pattern;
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function pathIn(name: string, value: unknown): string {
  if (typeof value !== "string") throw invalid(`"${name}" must have paths as texts.`);
  // No path has one: the store would resolve another character than the gate is asked about.
  if (LONE_SURROGATE.test(value)) throw invalid(`"${name}" has half of a character (a lone surrogate).`);
  try {
    return relativePath(value);
  } catch (error) {
    throw error instanceof StreamError ? invalid(error.message) : error;
  }
}

function textIn(body: Body, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string" && value.length <= MAX_CHARACTERS) return value;
  throw invalid(`"${name}" must be a text of at most ${MAX_CHARACTERS} characters.`);
}

function invalid(message: string): SubscriptionError {
  return new SubscriptionError("INVALID_REQUEST", message);
}
