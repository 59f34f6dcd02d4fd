/**
 * The entries of a folder, from the headers of their last records.
 * @module
 */
import type { JsMsg } from "@nats-io/jetstream";
import type { Core } from "../claims/core.ts";
import { eachLast } from "../connection/last-messages.ts";
import { entryName } from "../layout/layout.ts";
import { recordOf } from "../records/codec.ts";
import type { PathRecord } from "../records/record.ts";

/** The header with the size of a payload that was left out. */
const SIZE = "Nats-Msg-Size";

/** Passes on the last record of each entry of a folder. */
export async function eachEntry(
  core: Core,
  folder: string,
  take: (name: string, record: PathRecord) => void,
  signal?: AbortSignal,
): Promise<void> {
  const shards = Array.from({ length: core.layout.shards }, (_, shard) => shard);
  await Promise.all(
    shards.map(async (shard) => {
      const subjects = core.layout.entriesOf(folder, shard);
      const taken = ({ subject, headers, seq }: JsMsg): void => {
        const record = recordOf(headers, seq, Number(headers?.get(SIZE) || 0));
        if (record) take(entryName(subject), record);
      };
      const stream = core.layout.shardStream(shard);
      const asked = { ...core.leaders.marks(stream), stream, subjects, path: folder, headersOnly: true, signal };
      await eachLast(core.calls, asked, taken);
    }),
  );
}

/** Passes on the names of the entries of a folder about which something is kept. */
export async function eachSession(
  core: Core,
  folder: string,
  take: (name: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { meta } = core.layout;
  const subjects = core.layout.aboutAll("ses", folder);
  const asked = { ...core.leaders.marks(meta), stream: meta, subjects, path: folder, headersOnly: true, signal };
  await eachLast(core.calls, asked, ({ subject, headers }) => {
    // A session that has ended has a time to live.
    if (!headers?.has("Nats-TTL")) take(entryName(subject));
  });
}
