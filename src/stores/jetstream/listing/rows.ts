/**
 * The entries of a folder, from the headers of their last records.
 * @module
 */
import { type Consumer, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import type { Core } from "../claims/core.ts";
import { LATE, within } from "../connection/pause.ts";
import { entryName } from "../layout/layout.ts";
import { recordOf } from "../records/codec.ts";
import type { PathRecord } from "../records/record.ts";

/** Records that are requested at once. */
const WINDOW = 512;

/** Milliseconds without a record after which a listing fails. */
const SILENT_MS = 10_000;

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
    shards.map((shard) => {
      const subjects = core.layout.entriesOf(folder, shard);
      const taken = ({ subject, headers, seq }: JsMsg): void => {
        const record = recordOf(headers, seq, Number(headers?.get(SIZE) || 0));
        if (record) take(entryName(subject), record);
      };
      return eachLast(core, core.layout.shardStream(shard), { subjects, folder, signal }, taken);
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
  await eachLast(core, meta, { subjects, folder, signal }, ({ subject, headers }) => {
    // A session that has ended has a time to live.
    if (!headers?.has("Nats-TTL")) take(entryName(subject));
  });
}

interface Last {
  readonly subjects: string;
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
}

async function eachLast(
  core: Core,
  stream: string,
  { subjects, folder, signal }: Last,
  take: (message: JsMsg) => void,
): Promise<void> {
  signal?.throwIfAborted();
  const options = {
    filter_subjects: subjects,
    deliver_policy: DeliverPolicy.LastPerSubject,
    headers_only: true,
  };
  const consumer = await core.calls.consumer(stream, options, { path: folder });
  try {
    if ((await consumer.info(true)).num_pending > 0) await takeAll(consumer, folder, take, signal);
  } finally {
    core.calls.drop(consumer);
  }
}

async function takeAll(
  consumer: Consumer,
  folder: string,
  take: (message: JsMsg) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const messages = await consumer.consume({ max_messages: WINDOW });
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await within(iterator.next(), SILENT_MS);
      if (next === LATE || next.done) throw storeUnavailable(folder);
      signal?.throwIfAborted();
      take(next.value);
      if (next.value.info.pending === 0) return;
    }
  } finally {
    void messages.close();
  }
}
