/**
 * Finds out what a store lacks.
 * @module
 */

import { byobReader } from "../../engine/storage/byte-reader.ts";
import type { Store } from "../../engine/storage/store.ts";
import { bytesOf } from "./bytes.ts";
import type { OtherProcess } from "../actor.ts";
import type { Need } from "./cases.ts";

/**
 * The parts that a store lacks, each with the reason for which its cases are skipped.
 *
 * @param elsewhere Starts another process; undefined if there can't be one.
 */
export async function missingParts(
  store: Store,
  elsewhere: (() => Promise<OtherProcess> | OtherProcess) | undefined,
): Promise<ReadonlyMap<Need, string>> {
  const handle = await store.claim("probe");
  await handle.append(bytesOf("probe"));
  await handle.release("complete");
  const reader = byobReader(store.read("probe", 0, 5));
  await reader?.cancel();
  const other = await elsewhere?.();
  await other?.kill();
  const reasons: [Need, boolean, string][] = [
    ["discard", handle.discard !== undefined, 'its handles have no "discard": the server calls "release"'],
    ["verify", handle.verify !== undefined, 'its handles have no "verify": nothing else may change its content'],
    ["tidy", store.tidy !== undefined, 'it has no "tidy"'],
    ["watch", store.watch !== undefined, 'it has no "watch": no other process may append to it'],
    ["streams", store.streams !== undefined, 'it has no "streams": Durable Streams are off'],
    ["subscriptions", store.subscriptions !== undefined, 'it has no "subscriptions": webhooks are off'],
    ["other processes", other !== undefined, 'its "open" returns no "elsewhere": no other process may use its data'],
    ["processes that can be suspended", other?.freeze !== undefined, 'its other processes have no "freeze"'],
    ["handover", store.requestHandover !== undefined, 'it has no "requestHandover"'],
    ["byte streams", reader !== undefined, "its reads are ordinary streams: the server copies them"],
  ];
  return new Map(reasons.filter(([, has]) => !has).map(([need, , reason]) => [need, reason]));
}
