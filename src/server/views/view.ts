/**
 * Answers requests about the content of a resource.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { LinesParameters, ReadParameters, SearchParameters } from "../request/read-parameters.ts";
import type { Exchange, Service } from "../service/service.ts";
import { readLines } from "./lines.ts";
import { readHits } from "./search.ts";

/** A request about the content of a resource. */
export interface ViewRequest {
  readonly exchange: Exchange;
  readonly isFolder: boolean;
  readonly parameters: ReadParameters;
}

/**
 * Responds with line counts or hits.
 *
 * @throws {StreamError} `not_found` for a folder, and for a path that does not exist; the errors of {@link readLines} and
 * {@link readHits}.
 */
export async function readView(
  service: Service,
  { exchange, isFolder, parameters }: ViewRequest,
  view: LinesParameters | SearchParameters,
): Promise<Response> {
  const { path } = exchange.subject;
  const found = isFolder ? undefined : await service.store.stat(path);
  if (!found)
    throw new StreamError("not_found", `"/${path}" is not a resource. Only resources have lines and can be searched.`, {
      path,
    });
  if (view.kind === "lines") return readLines(service, exchange, found, parameters, view);
  return readHits(service, exchange, found, parameters, view);
}
