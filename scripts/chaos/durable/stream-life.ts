/**
 * A path whose stream is created, written to, read, forked, closed and removed over the Durable Streams protocol, once or
 * several times.
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../../test/fixture/until.ts";
import type { PathParts } from "../path-life.ts";
import { HostileProxy } from "../proxy.ts";
import { Book } from "./book.ts";
import type { Facts } from "./facts.ts";
import { Fork } from "./fork.ts";
import { drawStreams, type StreamPlan } from "./plan.ts";
import { Reader } from "./reader.ts";
import { Direct, nextOffset, saysClosed } from "./requests.ts";
import { CLOSED, type KnownStream, Writer } from "./writer.ts";

/** The probability that the last stream of a path stays. */
const STAYS = 0.3;

/** A path with its streams, one after the other. */
export class StreamLife {
  readonly #parts: PathParts;
  readonly #facts: Facts;
  readonly #direct: Direct;
  #now: Turn | undefined;

  constructor(parts: PathParts, facts: Facts) {
    this.#parts = parts;
    this.#facts = facts;
    this.#direct = new Direct(parts.network, parts.random.fork("direct"));
  }

  /** The path, without a leading slash. */
  get path(): string {
    return this.#parts.path;
  }

  /** The current states of the writers and the readers, in lines. */
  get state(): string {
    return `/${this.path}: ${this.#now?.state ?? "not begun"}`;
  }

  /** Runs all its streams, and compares what is stored and what was read. */
  async run(): Promise<void> {
    const { random, followers, length } = this.#parts;
    const plans = drawStreams(random, followers, length);
    for (const [turn, plan] of plans.entries()) {
      const stays = turn === plans.length - 1 && random.chance(STAYS);
      this.#facts.forget(this.path);
      this.#now = new Turn(this.#parts, this.#direct, plan, turn);
      await this.#now.run();
      if (!(await this.#now.end(stays, this.#facts))) return;
    }
  }
}

/** One stream, from its creation to its end. */
class Turn {
  #phase = "creating";
  readonly #parts: PathParts;
  readonly #direct: Direct;
  readonly #plan: StreamPlan;
  readonly #random;
  readonly #stream: KnownStream;
  readonly #writers: Writer[] = [];
  readonly #readers: Reader[] = [];
  readonly #forks: Fork[] = [];
  readonly #proxies: HostileProxy[] = [];
  #isWell = true;

  constructor(parts: PathParts, direct: Direct, plan: StreamPlan, turn: number) {
    this.#parts = parts;
    this.#direct = direct;
    this.#plan = plan;
    this.#random = parts.random.fork("turn", turn);
    this.#stream = {
      path: parts.path,
      // A late request to the one before is refused, because the type is another one.
      type: plan.isJson ? "application/json" : `text/x-${turn}`,
      book: new Book(plan.isJson),
      isClosing: false,
      isRemoving: false,
      complain: (what) => this.#complain(what),
    };
  }

  get state(): string {
    const clients = [...this.#writers, ...this.#readers].map(({ state }) => `\n    ${state}`);
    return `${this.#plan.end}, ${this.#phase}; ${this.#direct.state}${clients.join("")}`;
  }

  /** Creates the stream, runs its clients, and closes or removes it. */
  async run(): Promise<void> {
    const { network, random } = this.#parts;
    const { end, writers, readers, forks } = this.#plan;
    await this.#create();
    const make = async (name: string): Promise<HostileProxy> => {
      const proxy = await HostileProxy.start(network, this.#random.fork("proxy", name));
      this.#proxies.push(proxy);
      return proxy;
    };
    for (const [at, plan] of writers.entries()) {
      const closes = at === 0 && end === "closed with bytes";
      this.#writers.push(
        new Writer({ ...this.#client(`w${at}`), id: `w${at}`, plan, proxy: await make(`w${at}`), closes }),
      );
    }
    for (const [at, plan] of readers.entries()) {
      this.#readers.push(new Reader({ ...this.#client(`r${at}`), plan, proxy: await make(`r${at}`) }));
    }
    for (const [at, plan] of forks.entries()) {
      const path = `${this.#parts.path}-fork-${this.#random.fork("name", at).between(0, 9e9)}`;
      const parts = { ...this.#client(`f${at}`), source: this.#stream, direct: this.#direct, plan, path };
      this.#forks.push(new Fork({ ...parts, proxy: await make(`f${at}`) }));
    }
    this.#phase = "written to";
    const reading = Promise.all(this.#readers.map((reader) => reader.run()));
    const forking = Promise.all(this.#forks.map((fork) => fork.run()));
    const writing = Promise.all(this.#writers.map((writer) => writer.run()));
    // If one fails, the others must end, too.
    const all = Promise.allSettled([reading, forking, writing]);
    if (end === "removed under way") {
      await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, random.spread(1, 1_500)))]);
    } else {
      await writing;
    }
    const text = end === "removed under way" ? undefined : await this.#finish();
    this.#phase = "read to its end";
    if (end === "removed" || end === "removed under way") {
      if (end === "removed") await forking;
      await this.#remove();
    }
    for (const result of await all) if (result.status === "rejected") throw result.reason;
    this.#compareReaders(text);
    for (const fork of this.#forks) fork.compare(text ?? this.#longest());
  }

  /** Removes what is left of it, unless it stays. Resolves to whether the path is free. */
  async end(stays: boolean, facts: Facts): Promise<boolean> {
    this.#phase = "ending";
    const { path, network } = this.#parts;
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    for (const fork of this.#forks) fork.remember(facts);
    const forks = this.#forks.filter(({ isThere }) => isThere);
    const isRemoved = this.#stream.isRemoving;
    if (!this.#isWell) return false;
    if (stays) {
      if (isRemoved) facts.remove(path, forks.length > 0);
      else facts.keep(path, await this.#text(), this.#stream.isClosing);
      return false;
    }
    if (!isRemoved) await this.#remove();
    const status = forks.length > 0 ? 410 : 404;
    const removed = await this.#direct.send(path, { method: "GET" });
    if (removed.status !== status)
      this.#complain(`it was removed, with ${forks.length} forks, and got ${removed.status}`);
    for (const fork of forks) await fork.remove(facts);
    await until(`/${path} to be gone with its last fork`, async () => {
      return (await this.#direct.send(path, { method: "GET" })).status === 404;
    });
    facts.remove(path);
    network.ledger.count("streams", "removed");
    return true;
  }

  #client(name: string) {
    return { stream: this.#stream, random: this.#random.fork(name), ledger: this.#parts.network.ledger };
  }

  async #create(): Promise<void> {
    const { path, network } = this.#parts;
    const { type, book } = this.#stream;
    const first = this.#plan.begins ? book.enter(["put", 0, 0], [5, 5_000]) : undefined;
    const headers = { "Content-Type": type };
    const reply = await this.#direct.send(path, { method: "PUT", headers, ...(first && { body: book.body(first) }) });
    if (reply.status !== 201 && !(reply.status === 200 && reply.isRepeated)) {
      throw new Error(`its creation got ${reply.status}: ${reply.text}`);
    }
    if (first) {
      first.fate = "stored";
      book.reached(nextOffset(reply));
    }
    network.ledger.count("streams", "created");
  }

  /** Closes it, if that is left to do, and compares what is stored. Resolves with its bytes as text. */
  async #finish(): Promise<string> {
    this.#phase = "closing";
    const { path } = this.#parts;
    const { book } = this.#stream;
    const { end } = this.#plan;
    if (end === "closed") {
      this.#stream.isClosing = true;
      for (const _ of ["once", "again"]) {
        const { status, text } = await this.#direct.send(path, { method: "POST", headers: CLOSED });
        if (status !== 204) this.#complain(`closing it got ${status}: ${text}`);
      }
    }
    const text = await this.#text();
    for (const wrong of book.check(text)) this.#complain(wrong);
    this.#parts.network.ledger.count("bytes", "appended", text.length);
    this.#parts.network.ledger.count("compared", "streams");
    if (!this.#stream.isClosing) return text;
    this.#parts.network.ledger.count("streams", end);
    for (const writer of this.#writers) await writer.expectClosed();
    const stored = await readFile(join(this.#parts.root, path), "utf8");
    if (stored !== text) this.#complain(`its file has ${stored.length} bytes, and a read has got ${text.length}`);
    if ((await this.#text()) !== text) this.#complain("it has changed after it was closed");
    return text;
  }

  async #text(): Promise<string> {
    const reply = await this.#direct.send(`${this.#parts.path}?raw`, { method: "GET" });
    if (reply.status !== 200) throw new Error(`a read got ${reply.status}: ${reply.text}`);
    if (saysClosed(reply) !== this.#stream.isClosing) {
      this.#complain(`it is ${saysClosed(reply) ? "closed" : "not closed any more"}`);
    }
    return reply.text;
  }

  async #remove(): Promise<void> {
    this.#stream.isRemoving = true;
    const { status, text, isRepeated } = await this.#direct.send(this.#parts.path, { method: "DELETE" });
    const isDone = status === 204 || (isRepeated && (status === 404 || status === 410));
    if (!isDone) throw new Error(`its removal got ${status}: ${text}`);
  }

  #compareReaders(text: string | undefined): void {
    const { book, isClosing } = this.#stream;
    for (const reader of this.#readers) {
      const who = `the reader by ${reader.state}`;
      for (const wrong of book.check(reader.text, isClosing)) this.#complain(`${who}: ${wrong}`);
      const longest = text ?? this.#longest();
      if (isClosing ? reader.text !== longest : !longest.startsWith(reader.text)) {
        this.#complain(`${who} got ${reader.text.length} bytes that are not the ${longest.length} of the stream`);
      }
      this.#parts.network.ledger.count("compared", "readers");
    }
  }

  #longest(): string {
    return this.#readers.reduce((longest, { text }) => (text.length > longest.length ? text : longest), "");
  }

  #complain(what: string): void {
    this.#isWell = false;
    this.#parts.network.ledger.problem(`/${this.#parts.path}, ${this.#plan.end}: ${what}`);
  }
}
