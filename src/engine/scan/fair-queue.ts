/**
 * A queue in which peers take turns.
 * @module
 */

type Task = () => Promise<void>;

/** Runs one task at a time. However many tasks a peer has queued, they delay each other peer by one task at most. */
export class FairQueue {
  /** By peer, the one that has waited longest first. */
  readonly #waiting = new Map<string, Task[]>();
  /** The peer whose task ran last. */
  #served: string | undefined;
  #isRunning = false;

  /** Runs a task when it is its turn. Settles as the task does. */
  run(peer: string, task: Task): Promise<void> {
    return new Promise((resolve, reject) => {
      const tasks = this.#waiting.get(peer) ?? [];
      tasks.push(() => task().then(resolve, reject));
      this.#waiting.set(peer, tasks);
      if (!this.#isRunning) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    for (let task = this.#next(); task; task = this.#next()) await task();
    this.#isRunning = false;
  }

  #next(): Task | undefined {
    for (const [peer, tasks] of this.#waiting) {
      if (peer === this.#served && this.#waiting.size > 1) continue;
      this.#served = peer;
      this.#waiting.delete(peer);
      const task = tasks.shift();
      if (tasks.length > 0) this.#waiting.set(peer, tasks);
      return task;
    }
    return undefined;
  }
}
