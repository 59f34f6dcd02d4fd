/**
 * What readers see of a stream.
 * @module
 */
import { stat } from "node:fs/promises";
import type { StoreStat } from "../../../engine/storage/store.ts";
import type { StreamState } from "../../../engine/storage/stream-state.ts";
import { liveContents } from "../records/live-contents.ts";
import { judgeLog } from "./judge-log.ts";
import type { LogFiles } from "./log-files.ts";

/** Most looks at a file that another program goes on changing. */
const MAX_LOOKS = 10;

/**
 * Adds the state of its stream to what is known of a file. Bytes that a crash has left of an incomplete write are not
 * shown. A stream that is closed has all its bytes.
 *
 * @param name The file, relative to the root.
 * @param file The real location.
 */
export async function withStream(seen: StoreStat, name: string, file: string, logs: LogFiles): Promise<StoreStat> {
  for (let look = 1, at = seen; ; look++) {
    const found = await judged(at, name, file, logs);
    if (!found.stream?.closed || look === MAX_LOOKS) return found;
    // It may have been closed since its size was looked up. Then its size is that of now, which does not change any more.
    const { size, mtime: modified } = await stat(file);
    if (size === at.size) return found;
    at = { ...seen, size, modified };
  }
}

async function judged(seen: StoreStat, name: string, file: string, logs: LogFiles): Promise<StoreStat> {
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
