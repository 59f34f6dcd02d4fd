/**
 * The facts that must hold of streams at the end of a run, when all servers were killed and started again.
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Ledger } from "../ledger.ts";
import { type Direct, saysClosed } from "./requests.ts";

/** The state in which a stream was left. */
export interface Fact {
  /** The status of a read. */
  readonly status: 200 | 404 | 410;
  /** The bytes of the file, as text. */
  readonly text: string;
  readonly isClosed: boolean;
}

/** The states of all streams that clients have left. */
export class Facts {
  readonly #facts = new Map<string, Fact>();

  /** Remembers a stream that stays. */
  keep(path: string, text: string, isClosed: boolean): void {
    this.#facts.set(path, { status: 200, text, isClosed });
  }

  /** Remembers a stream that was removed; `forked`: while there are forks of it. */
  remove(path: string, forked = false): void {
    this.#facts.set(path, { status: forked ? 410 : 404, text: "", isClosed: false });
  }

  /** Forgets a path that is about to change. */
  forget(path: string): void {
    this.#facts.delete(path);
  }

  /** Compares the streams of a server with what is remembered. */
  async check(direct: Direct, root: string, ledger: Ledger): Promise<void> {
    for (const [path, { status, text, isClosed }] of this.#facts) {
      const reply = await direct.send(`${path}?raw`, { method: "GET" });
      const file = await readFile(join(root, path), "utf8").catch(() => "");
      const found = reply.status === 200 ? reply.text : "";
      ledger.count("compared", status === 200 ? "streams" : "removed streams");
      if (reply.status !== status) ledger.problem(`/${path} has the status ${reply.status}, and not ${status}`);
      else if (saysClosed(reply) !== isClosed)
        ledger.problem(`/${path} is ${isClosed ? "not closed any more" : "closed"}`);
      if (found !== text) ledger.problem(`/${path} has ${found.length} bytes, and not the ${text.length} it had`);
      if (file !== text)
        ledger.problem(`the file of /${path} has ${file.length} bytes, and not the ${text.length} it had`);
    }
  }
}
