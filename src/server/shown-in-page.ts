/**
 * Which reads a browser's window gets as the viewer page.
 * @module
 */
import type { StoreStat } from "../engine/storage/store.ts";
import { essenceOf, isMediaType } from "../protocol/media-type.ts";
import { asksForBytes, asksForPage, isNavigation } from "./gate/navigation.ts";
import { mediaTypeOf, typeByExtension } from "./http/media-type.ts";
import type { Exchange, Service } from "./service/service.ts";

/** Types that browsers show as text or not at all, besides those of `text/`. */
const PAGED =
  /^application\/(([\w.-]+\+)?(json|json-seq|yaml)|x-ndjson|ndjson|jsonl|x-jsonlines|javascript|toml|x-sh|sql)$/;

/** How a read is answered: with the page, with bytes, or with bytes only because of the headers of the request. */
export type Shape = "page" | "bytes" | "bytes-here";

/** Chooses between the page and the bytes for a read without a verb. */
export async function shapeOf(service: Service, { c, subject }: Exchange, found: StoreStat): Promise<Shape> {
  if (!service.viewer || asksForBytes(c)) return "bytes";
  if (asksForPage(c)) return "page";
  if (!(await isPaged(service, subject.path, found))) return "bytes";
  return isNavigation(c) ? "page" : "bytes-here";
}

/** Whether a browser's window shows the path in the page: text other than HTML, JSON, and what has no known type. */
async function isPaged({ store }: Service, path: string, found: StoreStat): Promise<boolean> {
  const given = found.stream?.type ?? found.type;
  const isGiven = given !== undefined && isMediaType(given);
  if (!isGiven && typeByExtension(path) === undefined) return true;
  const type = essenceOf(await mediaTypeOf(store, { path, size: found.size, type: given })) ?? "";
  return (type.startsWith("text/") && type !== "text/html") || PAGED.test(type);
}
