/**
 * The world of the model: what the files of one path show, and what each process knows.
 * @module
 */

/** Ways to break the protocol. Each leads to a wrong state. */
export const FAULTS = [
  "claim without a second look at the lease",
  "break the lease only before entering",
  "take the lease without a look at the entries",
  "take the lease without a look at the slots",
  "give the lease up without breaking it first",
  "remove the slots before the entries are there",
  "convert without a look at the slot",
  "look at the entries before the slots",
  "move a slot away without a second look at the entries",
  "move a slot away without a copy",
  "take over from a silent process as from a dead one",
  "take over without a second name",
] as const;

/** One of {@link FAULTS}. */
export type Fault = (typeof FAULTS)[number];

/** A lease file. */
export interface Lease {
  readonly owner: number;
  /** The slot of the path: `+` held, `!` moved away, `-` free. */
  slot: "+" | "!" | "-";
  isThere: boolean;
}

/** An entry in the claims folder of the path. */
export interface Entry {
  readonly owner: number;
  away: boolean;
  isThere: boolean;
}

/** A file that has, or had, the name of the path. */
export interface Inode {
  names: number;
  content: number[];
}

/** A process. */
export interface Process {
  /** Its next step. */
  at: string;
  /** The next step of its conversion to claims by path, which runs beside. */
  converts: "" | "enter" | "look at its slot" | "remove its lease";
  state: "awake" | "asleep" | "dead";
  /** Its latest lease; -1 without one. */
  lease: number;
  isExclusive: boolean;
  isException: boolean;
  /** How it has the path. */
  by: "" | "slot" | "entry";
  entry: number;
  inode: number;
  names: number;
  /** What it has found of others, and not yet dealt with. */
  slots: number[];
  entries: number[];
  mustFence: boolean;
  appends: number;
  naps: number;
}

/** A state of everything. */
export interface World {
  /** The lease that counts; -1 for none. */
  lease: number;
  leases: Lease[];
  entries: Entry[];
  /** The file that has the name of the path. */
  file: number;
  inodes: Inode[];
  acknowledged: number[];
  deaths: number;
  processes: Process[];
}

/** The size of a world. */
export interface Size {
  /** The number of appends of each process, one after the other. */
  readonly appends: readonly number[];
  /** How often each process may fall asleep. */
  readonly naps: number;
  /** How many processes may die. */
  readonly deaths: number;
}

/** The state in which nothing has happened yet. */
export function newWorld({ appends, naps, deaths }: Size): World {
  const process = (count: number): Process => ({
    ...{ at: "begin", converts: "", state: "awake", lease: -1, isExclusive: false, isException: false, by: "" },
    ...{ entry: -1, inode: -1, names: 0, slots: [], entries: [], mustFence: false, appends: count, naps },
  });
  const inodes = [{ names: 1, content: [] }];
  const files = { lease: -1, leases: [], entries: [], file: 0, inodes, acknowledged: [] };
  return { ...files, deaths, processes: appends.map(process) };
}

/** A copy that shares nothing that changes. */
export function copyOf(world: World): World {
  return {
    ...world,
    leases: world.leases.map((lease) => ({ ...lease })),
    entries: world.entries.map((entry) => ({ ...entry })),
    inodes: world.inodes.map(({ names, content }) => ({ names, content: [...content] })),
    acknowledged: [...world.acknowledged],
    processes: world.processes.map((one) => ({ ...one, slots: [...one.slots], entries: [...one.entries] })),
  };
}

/** The steps of a process that has the path, as far as it knows. */
export const HOLDS: ReadonlySet<string> = new Set(["check", "write", "check again", "release", "free", "remove"]);

/** What is wrong with a state. */
export function wrong({ processes, acknowledged, file, inodes }: World): string | undefined {
  const holders = processes.filter(({ at, state }) => HOLDS.has(at) && state !== "dead");
  for (const [count, one] of holders.entries()) {
    if (holders.slice(count + 1).some((other) => other.inode === one.inode)) return "two processes append to one file";
  }
  const content = inodes[file]?.content ?? [];
  return acknowledged.every((byte) => content.includes(byte)) ? undefined : "an acknowledged byte is lost";
}

/** Whether a process still has its claim, as the files show. */
export function isOurs({ leases, entries }: World, { by, lease, entry }: Process): boolean {
  const { slot, isThere } = leases[lease] ?? {};
  if (by === "slot") return slot === "+" && isThere === true;
  return entries[entry]?.isThere === true && !entries[entry].away;
}

/** Removes the entry of a process, unless it was moved away. */
function removeEntry({ entries }: World, self: Process): void {
  const own = entries[self.entry];
  if (own && !own.away) own.isThere = false;
}

/** Ends an attempt to append. */
export function done(self: Process): void {
  Object.assign(self, { by: self.converts ? self.by : "", inode: -1, names: 0 });
  Object.assign(self, { slots: [], entries: [], mustFence: false });
  self.appends--;
  self.at = self.appends > 0 ? "begin" : "end";
}

/** Ends an attempt, and removes the entry. */
export function giveUp(world: World, self: Process): void {
  removeEntry(world, self);
  done(self);
}

/** What a process may think of another one. One that sleeps may be silent for long enough, or not. */
export function verdicts({ processes }: World, other: number): readonly ("alive" | "silent" | "dead")[] {
  const { state } = processes[other] as Process;
  if (state === "dead") return ["dead"];
  return state === "asleep" ? ["alive", "silent"] : ["alive"];
}

/** The entries of others. */
export function othersEntries({ entries }: World, id: number): number[] {
  return entries.flatMap(({ owner, isThere }, at) => (isThere && owner !== id ? [at] : []));
}

/** The slots of others, and all that were moved away. */
export function othersSlots({ leases }: World, id: number): number[] {
  const isSeen = ({ owner, slot, isThere }: Lease): boolean =>
    isThere && (slot === "!" || (slot === "+" && owner !== id));
  return leases.flatMap((lease, at) => (isSeen(lease) ? [at] : []));
}
