/**
 * The state of a stream that readers see.
 * @module
 */
import type { StoreStat } from "../../../engine/storage/store.ts";
import type { StreamState } from "../../../engine/storage/stream-state.ts";
import type { OpenFile } from "../folders/opened-file.ts";
import { liveContents } from "../records/live-contents.ts";
import { judgeLog } from "./judge-log.ts";
import type { LogFiles } from "./log-files.ts";

/** A file whose stats were read. */
export interface SeenFile {
  /** The file, relative to the root. */
  readonly name: string;
  /** The real location. */
  readonly file: string;
  readonly opened: OpenFile;
}

/**
 * Adds the state of its stream to what is known of a file. Bytes that a crash has left of an incomplete write are not
 * shown.
 */
export async function withStream(seen: StoreStat, place: SeenFile, logs: LogFiles): Promise<StoreStat> {
  const found = await withState(seen, place, logs);
  if (!found.stream?.closed) return found;
  // The last bytes may have been written between the reads of the size and of the state. No more come behind them.
  const { size, mtime: modified } = await place.opened.stat();
  return size === seen.size ? found : await withState({ ...seen, size, modified }, place, logs);
}

async function withState(seen: StoreStat, { name, file }: SeenFile, logs: LogFiles): Promise<StoreStat> {
  const live = liveContents.get(file);
  if (live?.isOurs && live.generation === seen.generation) return live.stream ? { ...seen, stream: live.stream } : seen;
  const logged = await logs.read(name);
  if (!logged) return seen;
  const { state, size } = judgeLog(logged, seen.size, seen.generation);
  return { ...seen, size, ...(state && { stream: state }) };
}

/** The state of a path, as {@link FileStreams} needs it. */
export function stateIn(found: StoreStat | undefined): StreamState | undefined | null {
  return found ? found.stream : null;
}
