/** The unit costs: their names, where each was measured, and how to replace them. @module */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_LIMITS } from "../../src/engine/limits.ts";
import { UsageError } from "../lib/command-line.ts";
import { ROOT } from "../lib/install.mjs";

/** The costs in `costs.json`, which describes them. The unit is in the name. */
export const COST_NAMES = [
  "deliveryUs",
  "deliveredGibSeconds",
  "appendUs",
  "ingestGibSeconds",
  "followerKib",
  "processMib",
  "pathKib",
  "connectMs",
  "baseMs",
  "httpDeliveryUs",
  "httpFollowerKib",
  "pollMs",
  "postMs",
  "natsAckMs",
  "natsFlushMs",
  "natsRecordUs",
  "natsRecordBytes",
  "natsPathBytes",
  "natsShards",
  "natsReplicas",
  "leaseWrites",
  "workerTax",
  "processors",
  "memoryGib",
  "networkGbits",
  "diskMibs",
  "frameBytes",
  "utilisation",
  "spareMachines",
  "withinMs",
  "edges",
  "roundTripMs",
] as const;

/** The limits of a server process that the model obeys. Their values are the defaults of the server. */
export const LIMIT_NAMES = [
  "pathFollowers",
  "connections",
  "appends",
  "longPollMs",
  "eventStreamMs",
  "batchBytes",
] as const;

export type CostName = (typeof COST_NAMES)[number];
export type NumberName = CostName | (typeof LIMIT_NAMES)[number];

/** All numbers with which the model calculates. */
export type Costs = Readonly<Record<NumberName, number>>;

/** A cost as the file describes it. */
export interface Cost {
  readonly value: number;
  readonly unit: string;
  /** `measured`; `derived` from measurements by an assumption, which `where` states; or `assumed`. */
  readonly kind: "measured" | "derived" | "assumed";
  readonly what: string;
  /** Where it was measured. */
  readonly where: string;
  /** How to measure it again. */
  readonly again: string;
}

export type CostFile = Readonly<Record<CostName, Cost>>;

/** The file with the costs and their sources. */
export const COSTS_FILE: string = join(ROOT, "scripts", "simulate", "costs.json");

/** Numbers that may be 0, those that are at most 1, and those that are whole. */
const MAY_BE_ZERO: readonly NumberName[] = ["spareMachines", "eventStreamMs"];
const SHARES: readonly NumberName[] = ["utilisation"];
const WHOLE: readonly NumberName[] = ["processors", "natsShards", "natsReplicas", "spareMachines", "edges"];

/** Reads the costs with their sources. */
export function costFile(): CostFile {
  return JSON.parse(readFileSync(COSTS_FILE, "utf8")) as CostFile;
}

/** The values of the file, and the limits. */
export function defaultCosts(file: CostFile = costFile()): Costs {
  const values = COST_NAMES.map((name) => [name, file[name].value]);
  const limits = LIMIT_NAMES.map((name) => [name, DEFAULT_LIMITS[name]]);
  return Object.fromEntries([...values, ...limits]) as Costs;
}

/**
 * Returns the costs with other values.
 *
 * @param source The name of the option or file that the values come from.
 * @throws {UsageError} for an unknown name, and for an invalid value.
 */
export function withCosts(costs: Costs, values: Readonly<Record<string, unknown>>, source: string): Costs {
  const changed = Object.entries(values).map(([name, value]) => {
    if (!isNumberName(name)) throw new UsageError(`${source}: there is no cost "${name}"; --list shows all.`);
    return [name, checked(name, value, source)];
  });
  return { ...costs, ...Object.fromEntries(changed) };
}

/**
 * Reads other values from a file: numbers by name, or objects with a `value`, as in `costs.json`.
 *
 * @throws {UsageError} if it can't be read, or has other names or values.
 */
export function costsFrom(costs: Costs, file: string): Costs {
  const read = readJson(file, "--costs");
  if (!isObject(read)) throw new UsageError(`--costs: "${file}" has no object of costs.`);
  const values = Object.entries(read).map(([name, cost]) => [name, isObject(cost) ? cost["value"] : cost]);
  return withCosts(costs, Object.fromEntries(values), `--costs ${file}`);
}

/**
 * Reads a JSON file that an option names.
 *
 * @throws {UsageError} if it can't be read, or is not JSON.
 */
export function readJson(file: string, option: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${option}: "${file}" can't be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${option}: "${file}" is no JSON.`);
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumberName(name: string): name is NumberName {
  return [...COST_NAMES, ...LIMIT_NAMES].some((known) => known === name);
}

function checked(name: NumberName, value: unknown, source: string): number {
  const least = MAY_BE_ZERO.includes(name) ? 0 : Number.MIN_VALUE;
  const isSound =
    typeof value === "number" &&
    Number.isFinite(value) &&
    value >= least &&
    (!SHARES.includes(name) || value <= 1) &&
    (!WHOLE.includes(name) || Number.isInteger(value));
  if (isSound) return value;
  const kind = WHOLE.includes(name) ? "a whole number" : "a number";
  const range = SHARES.includes(name) ? "above 0, at most 1" : least === 0 ? "from 0 on" : "above 0";
  throw new UsageError(`${source}: ${name} is ${kind} ${range}, not ${JSON.stringify(value)}.`);
}
