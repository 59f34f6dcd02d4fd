/**
 * The end of a path, as a leader knows it that had a majority.
 * @module
 */
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import type { Core } from "../claims/core.ts";
import { eachLast } from "../connection/last-messages.ts";
import type { Place } from "../layout/layout.ts";
import type { Tail } from "../records/tails.ts";

/**
 * Finds the end of a path with all that was acknowledged before this call. A leader that has lost its majority answers
 * other reads with what it had, until it notices.
 *
 * @throws {StreamError} `unavailable` also while such a leader answers; what reading throws.
 */
export async function confirmedTail({ calls, leaders, tails }: Core, place: Place): Promise<Tail> {
  const { path, stream, subject } = place;
  const asked = { ...leaders.marks(stream), stream, subjects: subject, path, headersOnly: true };
  let last = 0;
  await eachLast(calls, asked, ({ seq }) => {
    last = seq;
  });
  const tail = await tails.of(place);
  if (tail.last < last) throw storeUnavailable(path);
  return tail;
}
