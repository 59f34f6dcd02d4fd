/**
 * Which process this is, and whether another one still lives.
 * @module
 */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { errorCode } from "../folders/errors.ts";

/** Tells a process from every other one, also from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the kernel's ticks; empty where that can't be found out. */
  readonly started: string;
  /** Where its number means something: host, boot, and process namespace. */
  readonly scope: string;
  /** The time namespace, which shifts start times; absent where it is not known. */
  readonly clock?: string;
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const scope = [attempt(hostname), boot, attempt(() => readlinkSync("/proc/self/ns/pid"))];
  const clock = attempt(() => readlinkSync("/proc/self/ns/time"));
  const identity = { pid: process.pid, started: startOf(process.pid), scope: scope.join(" ") };
  return clock === "" ? identity : { ...identity, clock };
}

/** Whether the system certainly has not started anew since another process was there. */
export function isSameBoot(other: ProcessIdentity, self: ProcessIdentity): boolean {
  const [theirs, ours] = [other, self].map(({ scope }) => scope.split(" ")[1]);
  return theirs === ours && ours !== undefined && ours !== "";
}

/** Whether a process has certainly ended. False also when that can't be told from here. */
export function isDead(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (!isVisible(other, self)) return false;
  try {
    return startIn(other.pid) !== other.started;
  } catch (error) {
    // Anything else only says that it can't be seen now.
    return ["ENOENT", "ESRCH"].includes(errorCode(error));
  }
}

/** Whether `/proc` tells here what becomes of a process. */
export function isVisible(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.scope !== self.scope || other.started === "" || self.started === "") return false;
  return other.clock === undefined || self.clock === undefined || other.clock === self.clock;
}

function startOf(pid: number): string {
  return attempt(() => startIn(pid));
}

/** Field 22 of the process's `stat`; the second field may contain spaces and parentheses. A zombie has ended. */
function startIn(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? "" : (fields[19] ?? "");
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
