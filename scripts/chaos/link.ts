/**
 * One connection through the proxy: two sockets, and the fault that the plan inflicts on them.
 * @module
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { resetNow } from "../../test/fixture/reset.ts";
import type { Fate, Plan } from "./fate.ts";

/** Callbacks of a {@link Link}. */
export interface LinkEvents {
  /** Called when the fault occurs. */
  struck(fate: Fate): void;
  /** Whether the faults have stopped, so that nothing is delayed any more. */
  isCalm(): boolean;
}

/** Forwards bytes between a client and a server until the fault occurs. */
export class Link {
  /** When the server's side closed, by `performance.now()`; undefined while it is open. */
  serverGoneMs: number | undefined;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #plan: Plan;
  readonly #events: LinkEvents;
  #left: number;
  #struck = false;
  /** What each direction waits for before it forwards a piece. */
  readonly #gates: { up: Promise<unknown>; down: Promise<unknown> } = {
    up: Promise.resolve(),
    down: Promise.resolve(),
  };

  constructor(client: Socket, server: Socket, plan: Plan, events: LinkEvents) {
    this.#client = client;
    this.#server = server;
    this.#plan = plan;
    this.#events = events;
    this.#left = plan.fate === "calm" ? Number.POSITIVE_INFINITY : plan.after;
    server.once("close", () => {
      this.serverGoneMs = performance.now();
    });
  }

  /** Starts to forward bytes. */
  run(): void {
    for (const [from, to, direction] of [
      [this.#client, this.#server, "up"],
      [this.#server, this.#client, "down"],
    ] as const) {
      // If one side fails, reset the other, unless the fault is to hide this.
      this.#move(from, to, direction).catch(() => this.#struck || resetNow(to));
    }
  }

  async #move(from: Socket, to: Socket, direction: "up" | "down"): Promise<void> {
    const { pieceBytes, delayMs } = this.#plan;
    for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        await this.#gates[direction];
        if (delayMs > 0 && !this.#events.isCalm()) await sleep(delayMs, undefined, { ref: false });
        const piece = chunk.subarray(at, at + Math.min(pieceBytes, Math.max(1, this.#left)));
        at += piece.length;
        this.#left -= piece.length;
        if (to.writable && !to.write(piece)) await drained(to);
        if (this.#left <= 0) this.#strike();
      }
    }
    await this.#gates[direction];
    to.end();
  }

  #strike(): void {
    const { fate, pauseMs } = this.#plan;
    this.#left = Number.POSITIVE_INFINITY;
    this.#events.struck(fate);
    if (fate === "stall") {
      this.#gates.up = this.#gates.down = sleep(pauseMs, undefined, { ref: false });
      return;
    }
    this.#struck = true;
    this.#gates.down = new Promise(() => {});
    if (fate !== "deaf client") this.#gates.up = this.#gates.down;
    const ends = [this.#client, this.#server];
    if (fate === "end") for (const end of ends) end.end();
    if (fate === "reset" || fate === "half-open to the client") resetNow(this.#server);
    if (fate === "reset" || fate === "half-open to the server") resetNow(this.#client);
    // Finally reset both ends, including one that has not noticed anything yet.
    const reveal = (): void => {
      for (const end of ends) resetNow(end);
    };
    setTimeout(reveal, pauseMs).unref();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
