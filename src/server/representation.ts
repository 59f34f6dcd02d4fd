/**
 * Which representation a read gets: the viewer page or the bytes.
 * @module
 */
import type { StoreStat } from "../engine/storage/store.ts";
import { essenceOf, isMediaType } from "../protocol/media-type.ts";
import { asksForPage, isFromProgram, isNavigation } from "./gate/navigation.ts";
import { mediaTypeOf, typeByExtension } from "./http/media-type.ts";
import type { Exchange, Service } from "./service/service.ts";

/** Types outside of `text/` that the viewer shows better than a browser does. */
const SHOWN_BY_VIEWER =
  /^application\/(([\w.-]+\+)?(json|json-seq|yaml)|x-ndjson|ndjson|jsonl|x-jsonlines|javascript|toml|x-sh|sql)$/;

/** What a read gets. `negotiated-bytes`: a browser's navigation to the same path gets the page. */
export type Representation = "page" | "bytes" | "negotiated-bytes";

/** Chooses the representation for a read without a verb. */
export async function representationFor(
  service: Service,
  { c, subject }: Exchange,
  found: StoreStat,
): Promise<Representation> {
  if (!service.viewer || isFromProgram(c)) return "bytes";
  if (asksForPage(c)) return "page";
  if (!(await isForViewer(service, subject.path, found))) return "bytes";
  return isNavigation(c) ? "page" : "negotiated-bytes";
}

/** Whether the viewer shows a path: text other than HTML, JSON, and paths without a known type. */
async function isForViewer({ store }: Service, path: string, found: StoreStat): Promise<boolean> {
  const given = found.stream?.type ?? found.type;
  const isGiven = given !== undefined && isMediaType(given);
  if (!isGiven && typeByExtension(path) === undefined) return true;
  const type = essenceOf(await mediaTypeOf(store, { path, size: found.size, type: given })) ?? "";
  return (type.startsWith("text/") && type !== "text/html") || SHOWN_BY_VIEWER.test(type);
}
