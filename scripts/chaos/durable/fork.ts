/**
 * A fork of a stream, with a writer of its own.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "../ledger.ts";
import type { HostileProxy } from "../proxy.ts";
import type { Random } from "../random.ts";
import { Book } from "./book.ts";
import type { Facts } from "./facts.ts";
import type { ForkPlan } from "./plan.ts";
import { type Direct, nextOffset, saysClosed } from "./requests.ts";
import { CLOSED, type KnownStream, Writer } from "./writer.ts";

/** The dependencies of a {@link Fork}. */
export interface ForkParts {
  readonly path: string;
  readonly source: KnownStream;
  readonly plan: ForkPlan;
  readonly direct: Direct;
  readonly proxy: HostileProxy;
  readonly random: Random;
  readonly ledger: Ledger;
}

/** One fork, from its creation to its end. */
export class Fork {
  readonly #parts: ForkParts;
  #text = "";
  #begins = 0;
  #state: "not made" | "open" | "closed" | "removed" = "not made";

  constructor(parts: ForkParts) {
    this.#parts = parts;
  }

  /** Whether it was made and not removed. */
  get isThere(): boolean {
    return this.#state === "open" || this.#state === "closed";
  }

  /** Makes the fork, appends to it, and closes or removes it as planned. */
  async run(): Promise<void> {
    const { path, source, plan, direct, ledger } = this.#parts;
    await sleep(plan.afterMs);
    const { offsets } = source.book;
    const from = plan.share === undefined ? undefined : offsets[Math.floor(plan.share * offsets.length)];
    const headers = {
      "Stream-Forked-From": `/${source.path}`,
      ...(from !== undefined && { "Stream-Fork-Offset": String(from).padStart(16, "0") }),
    };
    const reply = await direct.send(path, { method: "PUT", headers });
    if (source.isRemoving && [404, 409, 410].includes(reply.status)) {
      // An attempt without an answer may have made it.
      if (reply.isRepeated) await direct.send(path, { method: "DELETE" });
      return;
    }
    if (reply.status !== 201 && !(reply.status === 200 && reply.isRepeated)) {
      throw new Error(`its fork from ${from ?? "the end"} got ${reply.status}: ${reply.text}`);
    }
    this.#state = "open";
    ledger.count("streams", "forked");
    this.#begins = nextOffset(reply);
    if (from !== undefined && this.#begins !== from) source.complain(`its fork from ${from} begins at ${this.#begins}`);
    await this.#write();
    if (plan.end === "removed") await this.remove();
  }

  /** Compares its beginning with its source, as far as that is known. */
  compare(source: string): void {
    const known = Math.min(this.#begins, source.length);
    if (this.#text.slice(0, known) === source.slice(0, known)) return;
    this.#parts.source.complain(`its fork /${this.#parts.path} does not begin with what it had`);
  }

  /** Removes it. */
  async remove(facts?: Facts): Promise<void> {
    const { path, direct, source } = this.#parts;
    const { status, isRepeated } = await direct.send(path, { method: "DELETE" });
    if (status !== 204 && !(isRepeated && status === 404)) source.complain(`the removal of /${path} got ${status}`);
    this.#state = "removed";
    if (facts) this.remember(facts);
  }

  /** Notes in which state it is left. */
  remember(facts: Facts): void {
    if (this.#state === "removed") facts.remove(this.#parts.path);
    else if (this.isThere) facts.keep(this.#parts.path, this.#text, this.#state === "closed");
  }

  async #write(): Promise<void> {
    const { path, source, plan, proxy, random, ledger, direct } = this.#parts;
    const book = new Book(source.book.isJson);
    const complain = (what: string): void => source.complain(`its fork /${path}: ${what}`);
    const stream: KnownStream = { path, type: source.type, book, isClosing: false, isRemoving: false, complain };
    const writer = new Writer({ id: "f", stream, plan: plan.writer, proxy, random, ledger, closes: false });
    await writer.run();
    if (plan.end === "closed") {
      const { status } = await direct.send(path, { method: "POST", headers: CLOSED });
      if (status !== 204) complain(`closing it got ${status}`);
      this.#state = "closed";
    }
    const reply = await direct.send(`${path}?raw`, { method: "GET" });
    if (reply.status !== 200) complain(`a read got ${reply.status}`);
    if (saysClosed(reply) !== (plan.end === "closed")) complain(`it is ${saysClosed(reply) ? "" : "not "}closed`);
    this.#text = reply.text;
    for (const wrong of book.check(this.#text.slice(this.#begins))) complain(wrong);
    ledger.count("compared", "forks");
  }
}
