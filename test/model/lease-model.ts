/**
 * A model of the claims of one path: by the lease of the whole root, by entries, and the way between the two. One step
 * is one operation of the file system. Between any two steps a process may fall asleep, wake up again, or die.
 *
 * The clock of a process that wakes up may have stood still meanwhile. So no process trusts its own signs of life: it
 * finds out only from files that it has lost its claim.
 * @module
 */
import { APPEND_STEPS, convert, LEASE_STEPS } from "./claim-steps.ts";
import type { Model } from "./explore.ts";
import { TAKEOVER_STEPS } from "./takeover-steps.ts";
import { type Steps, Turn } from "./turn.ts";
import { type Fault, newWorld, type Size, type World, wrong } from "./world.ts";

const STEPS = { ...LEASE_STEPS, ...APPEND_STEPS, ...TAKEOVER_STEPS };

/** Builds the model. */
export function leaseModel(size: Size, fault?: Fault): Model<World> {
  return {
    start: newWorld(size),
    wrong,
    next: (world) => world.processes.flatMap((_, id) => stepsOf(new Turn(world, id, fault))),
  };
}

function stepsOf(turn: Turn): Steps {
  const { self, world } = turn;
  if (self.state === "asleep") {
    turn.may("wakes up", (_, own) => {
      own.state = "awake";
    });
  }
  if (self.state !== "awake" || self.at === "end") return turn.steps;
  STEPS[self.at]?.(turn);
  convert(turn);
  if (self.naps > 0) {
    turn.may("falls asleep", (_, own) => {
      own.naps--;
      own.state = "asleep";
    });
  }
  if (world.deaths > 0) {
    turn.may("dies", (copy, own) => {
      copy.deaths--;
      Object.assign(own, { state: "dead", naps: 0, slots: [], entries: [], inode: -1, names: 0 });
    });
  }
  return turn.steps;
}
