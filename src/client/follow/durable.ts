/**
 * A follow that continues with a Durable Streams server.
 * @module
 */
import { DurableFollow } from "../durable/follow.ts";
import type { FollowRun, FollowTask } from "./task.ts";

/**
 * Creates it.
 *
 * @throws {StreamError} `protocol` for a start that only servers of this project understand, `bad_request`.
 */
export function durableFollow({ environment, target, position, reconnector, signal, report }: FollowTask): FollowRun {
  const { wanted } = position;
  const follow = new DurableFollow({
    ...{ environment, target, reconnector, signal, wanted, report },
    moved({ position: place, generation, isRead }) {
      position.place = place;
      position.generation = generation;
      if (isRead) position.placeBefore = place;
    },
  });
  position.leaveNumbers();
  return follow;
}
