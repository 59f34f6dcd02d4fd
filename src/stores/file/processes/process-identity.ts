/**
 * Identifies this process, and determines whether another process is still alive.
 * @module
 */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { errorCode } from "../folders/errors.ts";

/** Distinguishes a process from every other one, including a later one with the same process number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks of the kernel; empty where it is unknown. */
  readonly started: string;
  /** Where the process number is valid: host, boot and process namespace. */
  readonly scope: string;
  /** The time namespace, which shifts start times; absent where it is unknown. */
  readonly clock?: string;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const scope = [attempt(hostname), boot, attempt(() => readlinkSync("/proc/self/ns/pid"))];
  const clock = attempt(() => readlinkSync("/proc/self/ns/time"));
  const identity = { pid: process.pid, started: startOf(process.pid), scope: scope.join(" ") };
  return clock === "" ? identity : { ...identity, clock };
}

/** Whether the system has certainly not rebooted since another process ran. */
export function isSameBoot(other: ProcessIdentity, self: ProcessIdentity): boolean {
  const [theirs, ours] = [other, self].map(({ scope }) => scope.split(" ")[1]);
  return theirs === ours && ours !== undefined && ours !== "";
}

/** Whether a process has certainly ended. Also false if this process does not know. */
export function isDead(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (!isVisible(other, self)) return false;
  try {
    return startIn(other.pid) !== other.started;
  } catch (error) {
    // Any other error only means that the process cannot be seen now.
    return ["ENOENT", "ESRCH"].includes(errorCode(error));
  }
}

/** Whether this process can see in `/proc` whether another one has ended. */
export function isVisible(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.scope !== self.scope || other.started === "" || self.started === "") return false;
  return other.clock === undefined || self.clock === undefined || other.clock === self.clock;
}

function startOf(pid: number): string {
  return attempt(() => startIn(pid));
}

/**
 * Field 22 of the process's `stat`. The second field may contain spaces and parentheses. Empty for a zombie, which has
 * ended.
 */
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
