/**
 * How much is stored, and how much more can be.
 * @module
 */
import type { StreamInfo } from "@nats-io/jetstream";
import type { Core } from "./claims/core.ts";

/** Bytes of all paths, including everything on record about them. */
export async function usedBytesOf(core: Core): Promise<number> {
  const infos = await infosOf(core);
  return infos.reduce((sum, { state }) => sum + state.bytes, 0);
}

/** Bytes that can still be stored in each shard; undefined if there is no limit. An append is in one shard. */
export async function freeBytesOf(core: Core): Promise<number | undefined> {
  const infos = await infosOf(core);
  const free = infos.flatMap(({ config, state }) => (config.max_bytes > 0 ? [config.max_bytes - state.bytes] : []));
  return free.length === 0 ? undefined : Math.max(0, Math.min(...free));
}

function infosOf({ layout, calls }: Core): Promise<StreamInfo[]> {
  const shards = Array.from({ length: layout.shards }, (_, shard) => layout.shardStream(shard));
  return Promise.all(shards.map((name) => calls.reach({ path: "" }, () => calls.manager.streams.info(name))));
}
