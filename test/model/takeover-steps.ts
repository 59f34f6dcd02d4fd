/**
 * Looking at what others have of the path, and taking it over from processes that are dead or silent.
 * @module
 */
import type { StepTable, Turn } from "./turn.ts";
import {
  type Entry,
  giveUp,
  type Inode,
  isOurs,
  type Lease,
  othersEntries,
  othersSlots,
  verdicts,
  type World,
} from "./world.ts";

const AS_DEAD = "take over from a silent process as from a dead one";

function isBackwards({ fault }: Turn): boolean {
  return fault === "look at the entries before the slots";
}

/** The owners of what was found, except of what was moved away. */
function living({ world, self }: Turn): number[] {
  const slots = self.slots.map((at) => world.leases[at] as Lease).filter(({ slot }) => slot !== "!");
  const entries = self.entries.map((at) => world.entries[at] as Entry).filter(({ away }) => !away);
  return [...slots, ...entries].map(({ owner }) => owner);
}

/** A step that deals with the first slot, or the first entry, that was found. */
function next(turn: Turn, what: "slots" | "entries", step: string, change: (copy: World) => unknown = () => {}): void {
  turn.may(step, (copy, own) => {
    change(copy);
    own[what].shift();
    own.at = `take ${what}`;
  });
}

/** As {@link next}, where the owner must be fenced off. */
function nextFenced(turn: Turn, what: "slots" | "entries", step: string): void {
  turn.may(step, (_, own) => {
    own.mustFence = true;
    own[what].shift();
    own.at = `take ${what}`;
  });
}

/** The steps of a takeover. */
export const TAKEOVER_STEPS: StepTable = {
  "survey slots"(turn) {
    turn.may("looks at the slots", (copy, own) => {
      own.slots = othersSlots(copy, turn.id);
      own.at = isBackwards(turn) ? "judge" : "survey entries";
    });
  },
  "survey entries"(turn) {
    turn.may("looks at the entries", (copy, own) => {
      own.entries = othersEntries(copy, turn.id);
      own.at = isBackwards(turn) ? "survey slots" : "judge";
    });
  },
  judge(turn) {
    const possible = living(turn).map((owner) => verdicts(turn.world, owner));
    if (possible.some((each) => each.includes("alive"))) turn.may("gives up", giveUp);
    if (!possible.every((each) => each.some((verdict) => verdict !== "alive"))) return;
    if (isOurs(turn.world, turn.self)) turn.goto("may take over", "take slots");
    else turn.may("was moved away itself", giveUp);
  },
  "take slots"(turn) {
    const { self, world, fault } = turn;
    const [slot] = self.slots;
    if (slot === undefined) return turn.goto("has moved all slots", self.mustFence ? "look again" : "take entries");
    const { owner, slot: state } = world.leases[slot] as Lease;
    if (state === "!") nextFenced(turn, "slots", "finds a slot that was moved away");
    else if (state === "-") next(turn, "slots", "finds a free slot");
    else if (fault === AS_DEAD || verdicts(world, owner)[0] === "dead") {
      next(turn, "slots", "frees the slot of a dead process", (copy) => {
        (copy.leases[slot] as Lease).slot = "-";
      });
    } else {
      turn.may("moves a slot away", (copy, own) => {
        (copy.leases[slot] as Lease).slot = "!";
        own.at = "judge slot";
      });
    }
  },
  "judge slot"(turn) {
    const slot = turn.self.slots[0] as number;
    const possible = verdicts(turn.world, (turn.world.leases[slot] as Lease).owner);
    if (possible.some((verdict) => verdict !== "alive")) nextFenced(turn, "slots", "sees no sign of life");
    if (!possible.includes("alive")) return;
    turn.may("restores the slot", (copy, own) => {
      const lease = copy.leases[slot] as Lease;
      if (lease.slot === "!") lease.slot = "+";
      giveUp(copy, own);
    });
  },
  "look again"(turn) {
    turn.may("looks at the entries again", (copy, own) => {
      const isBlind = turn.fault === "move a slot away without a second look at the entries";
      if (!isBlind) own.entries = othersEntries(copy, turn.id);
      own.at = "take entries";
    });
  },
  "take entries"(turn) {
    const { self, world, fault } = turn;
    const [entry] = self.entries;
    if (entry === undefined) return turn.goto("has moved all entries", "assert");
    const { owner, away, isThere } = world.entries[entry] as Entry;
    if (!isThere) return next(turn, "entries", "finds no entry");
    if (away) return nextFenced(turn, "entries", "finds an entry that was moved away");
    for (const verdict of verdicts(world, owner)) {
      if (verdict === "alive") turn.may("finds a living owner", giveUp);
      else if (verdict === "dead" || fault === AS_DEAD) {
        next(turn, "entries", "removes the entry of a dead process", (copy) => {
          (copy.entries[entry] as Entry).isThere = false;
        });
      } else {
        turn.may("moves an entry away", (copy, own) => {
          (copy.entries[entry] as Entry).away = true;
          own.at = "judge entry";
        });
      }
    }
  },
  "judge entry"(turn) {
    const entry = turn.self.entries[0] as number;
    const possible = verdicts(turn.world, (turn.world.entries[entry] as Entry).owner);
    if (possible.some((verdict) => verdict !== "alive")) nextFenced(turn, "entries", "sees no sign of life");
    if (!possible.includes("alive")) return;
    turn.may("restores the entry", (copy, own) => {
      (copy.entries[entry] as Entry).away = false;
      giveUp(copy, own);
    });
  },
  assert(turn) {
    if (!isOurs(turn.world, turn.self)) return turn.may("was moved away itself", giveUp);
    const isFenced = turn.self.mustFence && turn.fault !== "move a slot away without a copy";
    turn.goto("goes on", isFenced ? "name" : "open");
  },
  name(turn) {
    turn.may("gives the file a second name", (copy, own) => {
      own.inode = copy.file;
      if (turn.fault !== "take over without a second name") (copy.inodes[copy.file] as Inode).names++;
      own.at = "copy";
    });
  },
  copy(turn) {
    turn.may("copies the file", (copy, own) => {
      copy.inodes.push({ names: 1, content: [...(copy.inodes[own.inode] as Inode).content] });
      own.names = copy.inodes.length - 1;
      own.at = "replace";
    });
  },
  replace(turn) {
    if (!isOurs(turn.world, turn.self)) return turn.may("was moved away itself", giveUp);
    turn.may("replaces the file", (copy, own) => {
      (copy.inodes[copy.file] as Inode).names--;
      copy.file = own.names;
      own.at = "clear";
    });
  },
  clear(turn) {
    turn.may("forgets whom it has fenced off", (copy, own) => {
      for (const lease of copy.leases) if (lease.slot === "!") lease.slot = "-";
      for (const entry of copy.entries) if (entry.away) entry.isThere = false;
      own.at = "open";
    });
  },
};
