/**
 * Below which folders other nodes append.
 * @module
 */
import { askBelow } from "../nodes/questions.ts";
import type { Core } from "./core.ts";

/**
 * The names of the folders in a folder below which other nodes append; see {@link Store.appendedBelow}.
 *
 * @throws {StreamError} `unavailable` if the nodes can't be looked up.
 */
export async function appendedBelow(
  { node, layout, calls, directory }: Core,
  folder: string,
): Promise<ReadonlySet<string>> {
  const others = (await directory.all()).filter((other) => other !== node);
  const found = await Promise.all(others.map((other) => askBelow(calls.connection, layout, other, folder)));
  return new Set(found.flat());
}
