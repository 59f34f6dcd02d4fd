/**
 * Answers reads and follows of a path: with its bytes, the viewer page, or a listing.
 * @module
 */
import type { Follow } from "../engine/follow/follow.ts";
import type { StoreStat } from "../engine/storage/store.ts";
import { readStored } from "./durable/read-stream.ts";
import { asksForPage, NAVIGATION_HEADERS } from "./gate/navigation.ts";
import { followBody } from "./http/follow.ts";
import { listing, rowsOf } from "./http/listing.ts";
import { readSnapshot } from "./http/read.ts";
import { missing, notFolder } from "./not-found.ts";
import type { ReadRequest } from "./parse-request.ts";
import { representationFor } from "./representation.ts";
import type { ReadParameters } from "./request/read-parameters.ts";
import { nothingToFollow, openFollow } from "./service/open-follow.ts";
import type { Exchange, Service } from "./service/service.ts";
import { viewerPage } from "./viewer/page.ts";
import { followOverSocket } from "./websocket/follow.ts";

/**
 * Answers a request for a path or a folder.
 *
 * @param following Whether the request follows the path.
 * @throws {StreamError} `not_found`, and the errors of the handlers.
 */
export async function show(
  service: Service,
  { exchange, base, below, socket, isFolder, parameters }: ReadRequest,
  following: boolean,
): Promise<Response> {
  const { path } = exchange.subject;
  const { follow, stored: found } =
    following && !isFolder ? await openFollow(service, path, parameters) : { stored: await service.store.stat(path) };
  if (follow) return await send(service, exchange, socket, follow);
  const { action, access } = exchange;
  // Since the gate was asked, a file may have taken the place of a folder, and the other way round.
  if (found && action === "list" && !(isFolder && (access?.mayRead?.(path, false) ?? true))) throw missing(path);
  if (found && !isFolder && !following) return showStored(service, exchange, { found, base }, parameters);
  if (found && !isFolder) return readSnapshot(service, exchange, found, { ...parameters, conditional: false });
  if (found) throw notFolder(path, below);
  if (action === "read" && !following) throw missing(path);
  const entries = service.listings ? await rowsOf(service, exchange, below, parameters.listing) : undefined;
  if (entries && following) throw nothingToFollow(path);
  if (entries) return listing(service, exchange, { base, folder: below, entries }, parameters.listing);
  throw missing(path);
}

/** Answers a read of a path with the viewer page or with its bytes. */
async function showStored(
  service: Service,
  exchange: Exchange,
  { found, base }: Pick<ReadRequest, "base"> & { readonly found: StoreStat },
  parameters: ReadParameters,
): Promise<Response> {
  const { c } = exchange;
  const representation = await representationFor(service, exchange, found);
  if (representation === "page") return viewerPage(c, { status: 200, base, varies: !asksForPage(c) });
  const response = await readStored(service, exchange, found, parameters);
  if (representation === "negotiated-bytes") response.headers.set("Vary", NAVIGATION_HEADERS);
  return response;
}

/** Sends a follow over the transport that the client chose. */
async function send(service: Service, exchange: Exchange, socket: boolean, follow: Follow): Promise<Response> {
  try {
    return await (socket ? followOverSocket : followBody)(service, exchange, follow);
  } catch (error) {
    follow.leave();
    throw error;
  }
}
