/**
 * Answers about the content of a resource, in place of its bytes.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { LinesParameters, ReadParameters, SearchParameters } from "../request/read-parameters.ts";
import type { Exchange, Service } from "../service/service.ts";
import { readLines } from "./lines.ts";
import { readHits } from "./search.ts";

/** A request about a content. */
export interface ViewRequest {
  readonly exchange: Exchange;
  readonly isFolder: boolean;
  readonly parameters: ReadParameters;
}

/**
 * Responds with what a view asks for.
 *
 * @throws {StreamError} `not_found` for a folder, and for a path that does not exist; what {@link readLines} and
 * {@link readHits} throw.
 */
export async function readView(
  service: Service,
  { exchange, isFolder, parameters }: ViewRequest,
  view: LinesParameters | SearchParameters,
): Promise<Response> {
  const { path } = exchange.subject;
  const found = isFolder ? undefined : await service.store.stat(path);
  if (!found) throw new StreamError("not_found", `"/${path}" is no resource. A folder has no lines.`, { path });
  if (view.kind === "lines") return readLines(service, exchange, found, parameters, view);
  return readHits(service, exchange, found, parameters, view);
}
