/** The program of a load generator, which executes commands from its IPC channel. It shares no code with src. @module */
import process from "node:process";
import { openAppenders } from "./appenders.ts";
import { openCrowd } from "./crowd.ts";

/** The parts of a load generator, by the command that opens each. */
const OPENERS = { follow: openCrowd, append: openAppenders };

export type Openers = typeof OPENERS;

/** A call of an opener, or of a method of the opened group with that number. */
export interface Call {
  readonly id: number;
  readonly group?: number | undefined;
  readonly name: string;
  readonly args: readonly unknown[];
}

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
const groups: Methods[] = [];

// Exit with the benchmark's process.
process.once("disconnect", () => process.exit(0));
process.on("message", async ({ id, group, name, args }: Call) => {
  try {
    const methods = (group === undefined ? OPENERS : groups[group]) as Methods;
    const result = await methods[name]?.(...args);
    process.send?.({ id, result: group === undefined ? groups.push(result as Methods) - 1 : result });
  } catch (error) {
    process.send?.({ id, error: (error as Error).message });
  }
});
