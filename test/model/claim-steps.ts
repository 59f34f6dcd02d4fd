/**
 * Claiming, appending and releasing, by the lease and by path.
 * @module
 */
import type { StepTable, Turn } from "./turn.ts";
import {
  done,
  giveUp,
  HOLDS,
  type Inode,
  isOurs,
  type Lease,
  othersEntries,
  othersSlots,
  type Process,
  type World,
} from "./world.ts";

/** Most leases in a world. */
const MAX_LEASES = 2;

/** The lease of a process. */
function leaseOf({ leases }: World, { lease }: Process): Lease {
  return leases[lease] as Lease;
}

function breakLease(world: World, id: number): void {
  if (world.leases[world.lease]?.owner !== id) world.lease = -1;
}

/** The steps to the lease of the root. */
export const LEASE_STEPS: StepTable = {
  begin(turn) {
    const { self, world, id } = turn;
    // A conversion ends before the next append of the same path begins.
    if (self.converts) return;
    const isEarly = turn.fault === "break the lease only before entering";
    if (self.isExclusive && !self.isException) turn.goto("claims by the lease", "mark");
    else turn.goto("claims by path", isEarly ? "break" : "enter");
    if (self.isExclusive) turn.goto("gives the lease up", "leave");
    // Without a limit, leases would be taken and given up for ever.
    if (self.isExclusive || world.lease >= 0 || world.leases.length === MAX_LEASES) return;
    turn.may("takes the lease", (copy, own) => {
      copy.leases.push({ owner: id, slot: "-", isThere: true });
      copy.lease = own.lease = copy.leases.length - 1;
      own.at = "look around";
    });
  },
  "look around"(turn) {
    turn.may("looks at the slots of others", (copy, own) => {
      own.isException =
        othersSlots(copy, turn.id).length > 0 && turn.fault !== "take the lease without a look at the slots";
      own.at = "look around again";
    });
  },
  "look around again"(turn) {
    turn.may("looks at the entries of others", (copy, own) => {
      own.isException ||=
        othersEntries(copy, turn.id).length > 0 && turn.fault !== "take the lease without a look at the entries";
      own.isExclusive = true;
      own.at = "begin";
    });
  },
  leave(turn) {
    turn.may("breaks the lease, whose ever it is by now", (copy, own) => {
      const wasThere = copy.leases[copy.lease];
      copy.lease = -1;
      const isHasty = turn.fault === "give the lease up without breaking it first";
      if (wasThere && (isHasty || wasThere.owner === turn.id)) wasThere.isThere = false;
      // Its own lease, which another process has broken.
      leaseOf(copy, own).isThere = false;
      Object.assign(own, { isExclusive: false, isException: false, at: "begin" });
    });
  },
  mark(turn) {
    turn.may("marks its slot", (copy, own) => {
      leaseOf(copy, own).slot = "+";
      own.by = "slot";
      own.at = turn.fault === "claim without a second look at the lease" ? "open" : "look at the lease";
    });
  },
  "look at the lease"(turn) {
    if (turn.world.lease === turn.self.lease) turn.goto("still has the lease", "open");
    else {
      turn.may("has lost the lease", (_, own) => {
        own.isExclusive = false;
        own.at = "unmark";
      });
    }
  },
  unmark(turn) {
    turn.may("frees its slot", (copy, own) => {
      leaseOf(copy, own).slot = "-";
      own.by = "";
      own.at = "enter";
    });
  },
  enter(turn) {
    turn.may("enters", (copy, own) => {
      copy.entries.push({ owner: turn.id, away: false, isThere: true });
      own.entry = copy.entries.length - 1;
      own.by = "entry";
      own.at = turn.fault === "break the lease only before entering" ? "survey slots" : "break";
    });
  },
  break(turn) {
    turn.may("breaks the lease", (copy, own) => {
      breakLease(copy, turn.id);
      own.at = turn.fault === "look at the entries before the slots" ? "survey entries" : "survey slots";
      if (turn.fault === "break the lease only before entering") own.at = "enter";
    });
  },
};

/** The steps of a process that has the path. */
export const APPEND_STEPS: StepTable = {
  open(turn) {
    turn.may("opens the file", (copy, own) => {
      own.inode = copy.file;
      own.names = (copy.inodes[copy.file] as Inode).names;
      own.at = "look";
    });
  },
  look(turn) {
    if (isOurs(turn.world, turn.self)) turn.goto("has the path", "check");
    else turn.may("has lost the path", giveUp);
  },
  check: (turn) => check(turn, "write"),
  write(turn) {
    turn.may("writes", (copy, own) => {
      (copy.inodes[own.inode] as Inode).content.push(turn.id * 10 + own.appends);
      own.at = "check again";
    });
  },
  "check again": (turn) => check(turn, "release"),
  release(turn) {
    const { self, world } = turn;
    if (self.converts) return;
    if (self.by !== "slot") turn.goto("releases the path", "remove");
    else if (world.lease === self.lease) turn.goto("still has the lease", "free");
    else {
      turn.may("has lost the lease", (_, own) => {
        own.isExclusive = false;
        own.converts = "enter";
      });
    }
  },
  free(turn) {
    turn.may("frees its slot", (copy, own) => {
      leaseOf(copy, own).slot = "-";
      done(own);
    });
  },
  remove(turn) {
    turn.may("removes its entry", giveUp);
  },
};

/** A look at the file before and after a write. Where it has changed, the claim is looked at, too. */
function check(turn: Turn, then: string): void {
  const { self, world } = turn;
  const isSame = self.inode === world.file && self.names === world.inodes[self.inode]?.names;
  if (!isSame && !isOurs(world, self)) turn.may("has lost the path", giveUp);
  else if (self.inode !== world.file) turn.may("finds another file", giveUp);
  else {
    turn.may("is sure of its file", (copy, own) => {
      const { names, content } = copy.inodes[own.inode] as Inode;
      own.names = names;
      if (then === "release") copy.acknowledged.push(content.at(-1) as number);
      own.at = then;
    });
  }
}

/** The steps in which the owner of a broken lease enters what it has by it. They run beside everything else it does. */
export function convert(turn: Turn): void {
  const { self, world, fault, id } = turn;
  const isEarly = fault === "remove the slots before the entries are there";
  const isBlind = fault === "convert without a look at the slot";
  if (self.converts === "" && self.by === "slot" && HOLDS.has(self.at) && world.lease !== self.lease) {
    turn.may("notices that it has lost the lease", (_, own) => {
      own.isExclusive = false;
      own.converts = isEarly ? "remove its lease" : "enter";
    });
  }
  if (self.converts === "enter") {
    turn.may("enters what it has", (copy, own) => {
      copy.entries.push({ owner: id, away: false, isThere: true });
      own.entry = copy.entries.length - 1;
      if (isBlind || isEarly) own.by = own.by && "entry";
      if (isEarly) own.converts = "";
      else own.converts = isBlind ? "remove its lease" : "look at its slot";
    });
  }
  if (self.converts === "look at its slot") {
    turn.may("looks at its slot", (copy, own) => {
      const entry = copy.entries[own.entry];
      const { slot } = leaseOf(copy, own);
      if (entry && slot === "!") entry.away = true;
      if (entry && slot === "-") entry.isThere = false;
      own.by = own.by && "entry";
      own.converts = "remove its lease";
    });
  }
  if (self.converts === "remove its lease") {
    turn.may("removes its broken lease", (copy, own) => {
      leaseOf(copy, own).isThere = false;
      own.converts = isEarly ? "enter" : "";
      if (own.at === "begin" || own.at === "end") own.by = "";
    });
  }
}
