/**
 * One process at its next step.
 * @module
 */
import { copyOf, type Fault, type Process, type World } from "./world.ts";

/** The possible next states, each with the name of the step that leads there. */
export type Steps = [string, World][];

/** A process whose turn it is. */
export class Turn {
  readonly steps: Steps = [];
  readonly world: World;
  readonly id: number;
  readonly fault: Fault | undefined;

  constructor(world: World, id: number, fault: Fault | undefined) {
    this.world = world;
    this.id = id;
    this.fault = fault;
  }

  /** The process, to look at. */
  get self(): Process {
    return this.world.processes[this.id] as Process;
  }

  /** A step, and what it changes. */
  may(step: string, change: (copy: World, self: Process) => unknown): void {
    const copy = copyOf(this.world);
    change(copy, copy.processes[this.id] as Process);
    this.steps.push([`${this.id} ${step}`, copy]);
  }

  /** A step that changes nothing but what the process does next. */
  goto(step: string, at: string): void {
    this.may(step, (_, self) => {
      self.at = at;
    });
  }
}

/** The steps of a part of the protocol, by the state that they belong to. */
export type StepTable = Readonly<Record<string, (turn: Turn) => void>>;
