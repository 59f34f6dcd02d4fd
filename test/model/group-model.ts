/**
 * A model of the claims of one path by the processes of a group, which share a lease, and by one process outside it. One step
 * is one operation of the file system. Any process may die between two steps.
 *
 * Silent processes are not in it: what becomes of them is the same as without a group; see `lease-model.ts`.
 */
import type { Model } from "./explore.ts";

/** Ways to break the protocol. Each leads to a wrong state. */
export const GROUP_FAULTS = [
  "mark a slot without a link",
  "claim without a second look at the lease",
  "claim by path in a term without a link",
  "hold a link without a look at the lease",
  "join a term without a look at the entries",
  "remove the link of a dead process while its term counts",
  "know a lease by its inode after its file was closed",
] as const;

/** One of {@link GROUP_FAULTS}. */
export type GroupFault = (typeof GROUP_FAULTS)[number];

/** A process. */
export interface Party {
  readonly isMember: boolean;
  at: string;
  /** The term that it has joined; -1 for none. */
  term: number;
  isException: boolean;
  /** Whether it has its slot marked, and its entry. */
  slot: boolean;
  entry: boolean;
  claims: number;
}

/** A state of everything. */
export interface GroupWorld {
  /** The term whose lease counts; -1 for none. */
  held: number;
  /** Who has the link of the path, by term; -1 for no process. */
  links: number[];
  /** The inodes of the leases, by term. A new one may have that of a file that was removed, and that no process has open. */
  inodes: number[];
  /** Whether the file was removed, by term. */
  removed: boolean[];
  parties: Party[];
  deaths: number;
}

/** The state in which nothing has happened yet: with members of the group, and `outsiders` that claim by path. */
export function groupWorld(claims: number, outsiders: number, deaths: number, members = 2): GroupWorld {
  const party = (isMember: boolean): Party => {
    return { isMember, at: "begin", term: -1, isException: false, slot: false, entry: false, claims };
  };
  const parties = Array.from({ length: members + outsiders }, (_, id) => party(id < members));
  return { held: -1, links: [], inodes: [], removed: [], parties, deaths };
}

const MAX_TERMS = 2;

/** Builds the model. */
export function groupModel(start: GroupWorld, fault?: GroupFault): Model<GroupWorld> {
  return {
    start,
    wrong({ parties }) {
      return parties.filter(({ at }) => at === "holds").length > 1 ? "two processes have the path" : undefined;
    },
    next: (world) => world.parties.flatMap((_, id) => stepsOf(world, id, fault)),
  };
}

type Change = (copy: GroupWorld, self: Party) => void;

function stepsOf(world: GroupWorld, id: number, fault: GroupFault | undefined): [string, GroupWorld][] {
  const steps: [string, GroupWorld][] = [];
  const self = world.parties[id] as Party;
  const may = (step: string, change: Change): void => {
    const copy = structuredClone(world);
    change(copy, copy.parties[id] as Party);
    steps.push([`${id} ${step}`, copy]);
  };
  if (self.at === "dead" || self.at === "end") return steps;
  if (world.deaths > 0) {
    may("dies", (copy, own) => {
      copy.deaths--;
      own.at = "dead";
    });
  }
  for (const [step, change] of nextOf(world, id, fault)) may(step, change);
  return steps;
}

function isDead({ parties }: GroupWorld, id: number): boolean {
  return parties[id]?.at === "dead";
}

/** Whether others that live have the path by path, or by the leases that do not count. */
function isTaken({ parties }: GroupWorld, id: number): boolean {
  return parties.some(({ at, slot, entry }, other) => other !== id && at !== "dead" && (slot || entry));
}

function done(own: Party): void {
  own.claims--;
  own.at = own.claims > 0 ? "begin" : "end";
}

/** Frees the link of a process in a term, if it has it. */
function unlink(copy: GroupWorld, term: number, id: number): void {
  if (copy.links[term] === id) copy.links[term] = -1;
}

function nextOf(world: GroupWorld, id: number, fault: GroupFault | undefined): [string, Change][] {
  const { isMember, at, term } = world.parties[id] as Party;
  const counts = term >= 0 && world.held >= 0 && world.inodes[term] === world.inodes[world.held];
  const goto = (step: string, to: string): [string, Change][] => [
    [
      step,
      (_, own) => {
        own.at = to;
      },
    ],
  ];
  switch (at) {
    case "begin":
      if (!isMember) return goto("claims by path", "enter");
      if (counts) return goto("has joined", "link");
      return [
        ...joins(world, fault),
        [
          "claims by path",
          (copy, own) => {
            close(copy, own);
            own.at = "enter";
          },
        ],
      ];
    case "look around":
      return [
        [
          "looks for entries",
          (copy, own) => {
            const others = copy.parties.filter((_, other) => other !== id);
            // Slots of this term have links.
            const isSeen = others.some((other) => other.entry || (other.slot && other.term !== own.term));
            own.isException = isSeen && fault !== "join a term without a look at the entries";
            own.at = "link";
          },
        ],
      ];
    case "link":
      return links(world, id, fault);
    case "unlink":
      return [
        [
          "removes the link that was dead",
          (copy, own) => {
            copy.links[own.term] = -1;
            own.at = "link";
          },
        ],
      ];
    case "mark":
      return [["marks its slot", (_, own) => void Object.assign(own, { slot: true, at: "check" })]];
    case "check":
      if (counts || fault === "claim without a second look at the lease") return goto("still has the lease", "holds");
      return [
        [
          "has lost the lease",
          (copy, own) => {
            unlink(copy, own.term, id);
            close(copy, own);
            Object.assign(own, { slot: false, at: "enter" });
          },
        ],
      ];
    case "enter":
      return [["enters", (_, own) => void Object.assign(own, { entry: true, at: "break" })]];
    case "break":
      // Its own link keeps the others of the group away, as long as the term counts.
      if (counts || (fault === "hold a link without a look at the lease" && term >= 0))
        return goto("has a link", "survey");
      return [
        [
          "breaks the lease",
          (copy, own) => {
            copy.held = -1;
            own.at = "survey";
          },
        ],
      ];
    case "survey":
      if (!isTaken(world, id)) return goto("finds no other claim", "holds");
      return [["finds another claim", (copy, own) => leave(copy, own, id)]];
    case "holds":
      return holds(world, id);
    default:
      return [];
  }
}

/** Closes the lease of a term that a process has joined. The first process to do that removes the file of a broken one. */
function close(copy: GroupWorld, own: Party): void {
  if (own.term >= 0 && own.term !== copy.held) copy.removed[own.term] = true;
  own.term = -1;
}

/** The inode that a new lease gets: one that is free, if there is one. */
function newInode({ parties, inodes, removed }: GroupWorld, fault: GroupFault | undefined): number {
  const isOpen = (term: number): boolean => parties.some((party) => party.at !== "dead" && party.term === term);
  const isClosedEarly = fault === "know a lease by its inode after its file was closed";
  const free = inodes.find((_, term) => removed[term] && (isClosedEarly || !isOpen(term)));
  return free ?? inodes.length;
}

function joins(world: GroupWorld, fault: GroupFault | undefined): [string, Change][] {
  const { held, links } = world;
  if (held >= 0) {
    return [
      [
        "joins the term",
        (copy, own) => {
          close(copy, own);
          Object.assign(own, { term: held, at: "look around" });
        },
      ],
    ];
  }
  if (links.length === MAX_TERMS) return [];
  return [
    [
      "takes the lease for the group",
      (copy, own) => {
        close(copy, own);
        copy.links.push(-1);
        copy.removed.push(false);
        copy.inodes.push(newInode(copy, fault));
        copy.held = copy.links.length - 1;
        Object.assign(own, { term: copy.held, at: "look around" });
      },
    ],
  ];
}

function links(world: GroupWorld, id: number, fault: GroupFault | undefined): [string, Change][] {
  const { term, isException } = world.parties[id] as Party;
  const owner = world.links[term] ?? -1;
  const to = isException ? "enter" : "mark";
  const needsNone = fault === (isException ? "claim by path in a term without a link" : "mark a slot without a link");
  if (owner < 0 || needsNone) {
    return [
      [
        "makes the link",
        (copy, own) => {
          if (owner < 0) copy.links[term] = id;
          own.at = to;
        },
      ],
    ];
  }
  if (!isDead(world, owner)) return [["finds the link of another", (_, own) => done(own)]];
  if (fault === "remove the link of a dead process while its term counts") {
    return [["finds a dead link", (_, own) => void Object.assign(own, { at: "unlink" })]];
  }
  return [
    [
      "breaks the lease because of a dead link",
      (copy, own) => {
        if (copy.held === term) copy.held = -1;
        close(copy, own);
        own.at = "enter";
      },
    ],
  ];
}

function holds(world: GroupWorld, id: number): [string, Change][] {
  const { slot, entry, term } = world.parties[id] as Party;
  if (entry) return [["releases by path", (copy, own) => leave(copy, own, id)]];
  if (slot && world.held !== term) {
    // The owner of a broken lease enters what it has before it frees its slot.
    return [["enters what it has", (_, own) => void Object.assign(own, { entry: true })]];
  }
  return [["frees its slot", (copy, own) => leave(copy, own, id)]];
}

function leave(copy: GroupWorld, own: Party, id: number): void {
  Object.assign(own, { slot: false, entry: false });
  unlink(copy, own.term, id);
  done(own);
}
