/**
 * Reading a path without a verb: the stored bytes, or the live ones.
 * @module
 */
import type { StoreStat } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { isJsonType } from "../../protocol/media-type.ts";
import { readSnapshot, unlessChanged } from "../http/read.ts";
import { LINES_TYPE, type ReadParameters } from "../request/read-parameters.ts";
import { withoutKept } from "../service/kept-claims.ts";
import type { Exchange, Service } from "../service/service.ts";
import { type LiveRead, longPoll, serverSentEvents } from "./live.ts";
import { readJson } from "./read-json.ts";

const NOT_LIVE = 'Durable Streams are off on this server, and "live" with them. Follow with "?verb=FOLLOW".';

/** Answers with what is stored: the messages of a JSON stream, or the bytes. */
export async function readStored(
  service: Service,
  exchange: Exchange,
  found: StoreStat,
  parameters: ReadParameters,
): Promise<Response> {
  const type = found.stream?.type ?? found.type;
  const seen = withoutKept(service, exchange.subject.path, type === undefined ? found : { ...found, type });
  const isJson = isJsonType(found.stream?.type);
  const isArray = isJson && !parameters.raw && (parameters.live !== undefined || !parameters.prefersLines);
  const response = await (isArray
    ? readJson(service, exchange, seen, parameters)
    : readSnapshot(service, exchange, isJson ? linesOf(seen) : seen, { ...parameters, conditional: true }));
  if (isJson && !parameters.raw && parameters.live === undefined) response.headers.append("Vary", "Accept");
  return response;
}

/**
 * Runs a read.
 *
 * @throws {StreamError} `not_found` if the path was removed meanwhile.
 */
async function unlessRemoved(
  { store }: Service,
  { subject: { path } }: Exchange,
  read: () => Promise<Response>,
): Promise<Response> {
  try {
    return await read();
  } catch (error) {
    const isChanged = error instanceof StreamError && error.code === "changed";
    if (isChanged && !(await store.stat(path))) throw missing(path);
    throw error;
  }
}

function missing(path: string): StreamError {
  return new StreamError("not_found", `"/${path}" does not exist.`, { path });
}

/** A stream of JSON as what its file is: lines, with a type and an entity tag of their own. */
function linesOf({ stream, ...found }: StoreStat): StoreStat {
  const { type: _, ...state } = stream ?? { created: false, producers: {} };
  return { ...found, type: LINES_TYPE, stream: state };
}

/**
 * Answers with the live bytes.
 *
 * @throws {StreamError} `not_found`, `bad_request` without Durable Streams; what {@link longPoll} and
 * {@link serverSentEvents} throw.
 */
export async function readLive(service: Service, exchange: Exchange, parameters: ReadParameters): Promise<Response> {
  const { path } = exchange.subject;
  const { durable, store, registry } = service;
  // Ignored, it would let a client read the same end again and again.
  if (!durable) throw new StreamError("bad_request", NOT_LIVE, { path });
  const find = async (): Promise<StoreStat> => {
    const found = await store.stat(path);
    // Since the gate was asked, a file may have taken the place of a folder, which the request may list.
    if (!found || exchange.action === "list") throw missing(path);
    return found;
  };
  // An append that was begun before may be about to create the path.
  await registry.claimed(path);
  const found = await find();
  const read: LiveRead = {
    exchange,
    parameters,
    found,
    hold: () => (found.stream ? durable.lifetimes.hold(path, found.stream) : () => {}),
    snapshot: (start) =>
      unlessChanged(parameters, async () =>
        readStored(service, exchange, await find(), { ...parameters, start, hasStart: true }),
      ),
  };
  return unlessRemoved(service, exchange, () =>
    parameters.live === "sse" ? serverSentEvents(service, read) : longPoll(service, read),
  );
}
