/**
 * Creating streams, and appending to them as one of many clients.
 * @module
 */
import type { DurableStreams } from "../../engine/durable/durable-streams.ts";
import { StreamError } from "../../protocol/errors.ts";
import { GENERATION_HEADER } from "../../protocol/generation.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { CLOSED_HEADER, PRODUCER_HEADERS } from "../../protocol/stream-headers.ts";
import { typeByExtension } from "../http/media-type.ts";
import { refuseOtherBodies } from "../request/unsupported-body.ts";
import { LogSpan } from "../service/log-span.ts";
import type { Exchange, Service } from "../service/service.ts";
import { checkPermission } from "../timers/expiry.ts";
import { readBody } from "./read-body.ts";
import type { StreamWrite } from "./stream-write.ts";

/**
 * Handles a `PUT` or `POST` without a verb.
 *
 * @throws {StreamError} what {@link DurableStreams.create} and {@link DurableStreams.append} throw; `not_found`, `gone`,
 * `too_large`, `bad_request`, `unsupported`; `idle` for a body that stalls, `unauthorized` if the permission ends first.
 */
export async function writeStream(
  service: Service,
  durable: DurableStreams,
  exchange: Exchange,
  parameters: StreamWrite,
): Promise<Response> {
  const { c, subject } = exchange;
  refuseOtherBodies(c, subject.path);
  const startedMs = performance.now();
  const bytes = await readBody(service, exchange);
  const write = { durable, exchange, parameters, bytes, startedMs };
  // Each request counts as an append of its client, while it waits and is stored.
  const leave = service.registry.counts.enter({ peer: subject.peer });
  try {
    return await (parameters.method === "PUT" ? create(service, write) : append(service, write));
  } finally {
    leave();
  }
}

/** A request whose body has been read. */
interface Write {
  readonly durable: DurableStreams;
  readonly exchange: Exchange;
  readonly parameters: StreamWrite;
  readonly bytes: Uint8Array;
  /** When the request began, on the clock of `performance.now()`. */
  readonly startedMs: number;
}

/** What a request has stored. */
interface Stored {
  readonly from: number;
  readonly to: number;
  readonly generation: string;
}

async function create(service: Service, write: Write): Promise<Response> {
  const { durable, exchange, parameters, bytes } = write;
  const { c, subject } = exchange;
  const { path, requestId } = subject;
  const { type, closes, lifetime, fork, preconditions } = parameters;
  const plainType = typeByExtension(path);
  if ((await durable.settle(path))?.deleted) {
    throw new StreamError("mismatch", `"/${path}" was removed, and forks of it exist: it can't be created again.`, {
      path,
    });
  }
  if (fork) await durable.settle(fork.source);
  const ask = { type, plainType, lifetime, closes, bytes, fork };
  const { isNew, offset, generation, state } = await durable.create(path, ask, {
    preconditions,
    requestId,
    assertAllowed: () => checkPermission(exchange),
  });
  if (state) durable.lifetimes.use(path, state);
  if (isNew) report(service, write, { from: 0, to: offset, generation });
  const headers = new Headers({
    ...headersAt(offset, generation, state?.closed !== undefined),
    Location: c.req.url.replace(/[?#].*$/s, ""),
    "Content-Type": state?.type ?? plainType ?? "application/octet-stream",
  });
  return new Response(null, { status: isNew ? 201 : 200, headers });
}

async function append(service: Service, write: Write): Promise<Response> {
  const { durable, exchange, parameters, bytes } = write;
  const { path, requestId } = exchange.subject;
  const { type, closes, seq, producer, preconditions } = parameters;
  const claimed = await durable.claimed(path);
  const state = claimed ? claimed.state : await durable.use(path);
  if (!claimed && !state && !(await service.store.stat(path))) {
    const message = `"/${path}" does not exist. Create it with PUT, or append with "?verb=APPEND".`;
    throw new StreamError("not_found", message, { path });
  }
  if (bytes.length === 0 && !closes) throw new StreamError("bad_request", "The body is empty.", { path });
  if (bytes.length > 0 && type === undefined) {
    throw new StreamError("bad_request", "The body has no Content-Type. Send that of the stream.", { path });
  }
  const ask = { bytes, type, expected: typeByExtension(path), closes, seq, producer };
  const appended = await durable.append(path, ask, {
    preconditions,
    requestId,
    assertAllowed: () => checkPermission(exchange),
  });
  if (state) durable.lifetimes.use(path, state);
  report(service, write, { from: appended.start, to: appended.offset, generation: appended.generation });
  const headers = new Headers(headersAt(appended.offset, appended.generation, appended.closed));
  if (producer) {
    headers.set(PRODUCER_HEADERS.epoch, String(appended.producer?.epoch ?? producer.epoch));
    headers.set(PRODUCER_HEADERS.seq, String(appended.producer?.seq ?? producer.seq));
  }
  return new Response(null, { status: producer && appended.isNew ? 200 : 204, headers });
}

/** Logs, counts and reports that a request was an append: it has begun and ended, although its path stays claimed. */
function report(service: Service, { exchange, startedMs }: Write, { from, to, generation }: Stored): void {
  const { reporter } = service;
  const { subject, result } = exchange;
  const { path, requestId } = subject;
  const how = { type: "append", transport: "http", offset: from } as const;
  new LogSpan(service, subject, how, undefined, result, { startedMs }).end(to, "complete");
  if (!reporter.hasListener) return;
  const what = { action: "append", path, generation, ...(requestId !== undefined && { requestId }) } as const;
  reporter.emit({ ...what, type: "began", offset: from });
  reporter.emit({ ...what, type: "ended", offset: to, reason: "complete" });
}

function headersAt(offset: number, generation: string, closed: boolean): Record<string, string> {
  return {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    [NEXT_OFFSET_HEADER]: formatOffset(offset),
    ...(generation && { [GENERATION_HEADER]: generation }),
    ...(closed && { [CLOSED_HEADER]: "true" }),
  };
}
