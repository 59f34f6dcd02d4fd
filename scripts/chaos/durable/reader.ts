/**
 * A client that reads a stream live, by long-polls, server-sent events or a `FOLLOW`, through the hostile network.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { follow, StreamError } from "../../../src/client/mod.ts";
import { RETRY_FOR_MS } from "../appender.ts";
import type { Ledger } from "../ledger.ts";
import type { HostileProxy } from "../proxy.ts";
import type { Random } from "../random.ts";
import type { ReaderPlan } from "./plan.ts";
import { insist, saysClosed } from "./requests.ts";
import type { KnownStream } from "./writer.ts";

/** The dependencies of a {@link Reader}. */
export interface ReaderParts {
  readonly stream: KnownStream;
  readonly plan: ReaderPlan;
  readonly proxy: HostileProxy;
  readonly random: Random;
  readonly ledger: Ledger;
}

/** How a stream ends for a reader. */
export type ReaderEnd = "closed" | "removed";

/** A control event. */
interface Control {
  readonly streamNextOffset: string;
  readonly streamClosed?: boolean;
}

/** One reader, over all its requests. */
export class Reader {
  /** The bytes of the file that it has received, as text. */
  text = "";
  readonly #parts: ReaderParts;
  #offset = "-1";
  #requests = 0;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** Its current state in words, for reports about a slow run. */
  get state(): string {
    return `${this.#parts.plan.kind}, at ${this.#offset}, after ${this.#requests} requests`;
  }

  /** Reads until the stream is closed or removed. */
  async run(): Promise<ReaderEnd> {
    const { plan, stream, ledger } = this.#parts;
    await sleep(plan.lateMs);
    const end = await this.#read();
    ledger.count("readers", `${plan.kind} until ${end}`);
    if (end === "removed" && !stream.isRemoving) stream.complain(`a reader by ${plan.kind} heard that it was removed`);
    if (end === "closed" && !stream.isClosing) stream.complain(`a reader by ${plan.kind} heard that it was closed`);
    return end;
  }

  async #read(): Promise<ReaderEnd> {
    const { kind } = this.#parts.plan;
    if (kind === "websocket" || kind === "http") return await this.#follow(kind);
    for (;;) {
      this.#requests++;
      const end = kind === "sse" ? await this.#events() : await this.#poll();
      if (end) return end;
    }
  }

  async #poll(): Promise<ReaderEnd | undefined> {
    const { stream, proxy, random } = this.#parts;
    const path = `${stream.path}?offset=${this.#offset}&live=long-poll`;
    const reply = await insist(proxy, path, { method: "GET" }, random.fork("poll", this.#requests));
    const { status, text, headers } = reply;
    if (status === 404 || status === 410) return "removed";
    // Removed between the check and the read: other content, or an answer that Bun sends without the headers.
    if (stream.isRemoving && (status === 412 || !headers.has("stream-next-offset"))) return undefined;
    if (status !== 200 && status !== 204) throw new Error(`a long-poll got ${status}: ${text.slice(0, 200)}`);
    this.#take(status === 204 ? "" : this.#bytes(text), headers.get("stream-next-offset") ?? "none");
    return saysClosed(reply) ? "closed" : undefined;
  }

  /** Reads one response with server-sent events, until it ends or breaks. */
  async #events(): Promise<ReaderEnd | undefined> {
    const { stream, proxy, random } = this.#parts;
    let pending = "";
    let data = "";
    try {
      const response = await fetch(`${proxy.url}/${stream.path}?offset=${this.#offset}&live=sse`);
      if (response.status === 404 || response.status === 410) return "removed";
      if (!response.ok) await this.#refused(response);
      const decoder = new TextDecoder();
      for await (const piece of response.body ?? []) {
        const events = `${pending}${decoder.decode(piece, { stream: true })}`.split("\n\n");
        pending = events.pop() ?? "";
        for (const event of events) {
          const value = [...event.matchAll(/^data:(.*)$/gm)].map(([, line = ""]) => line).join("\n");
          if (event.startsWith("event: data\n")) data += this.#bytes(value);
          else if (this.#control(JSON.parse(value) as Control, data)) return "closed";
          else data = "";
        }
      }
    } catch (error) {
      // A response that broke off is read again.
      if (error instanceof WrongRead) throw error;
    }
    await sleep(random.spread(1, 200));
    return undefined;
  }

  #control({ streamNextOffset, streamClosed }: Control, data: string): boolean {
    this.#take(data, streamNextOffset);
    return streamClosed === true;
  }

  /** Rejects unless the server is only busy or shuts down. */
  async #refused(response: Response): Promise<void> {
    const text = await response.text();
    if (response.status !== 503 && response.status !== 429) {
      throw new WrongRead(`a request for events got ${response.status}: ${text.slice(0, 200)}`);
    }
  }

  async #follow(transport: "websocket" | "http"): Promise<ReaderEnd> {
    const { stream, proxy } = this.#parts;
    const decoder = new TextDecoder();
    const following = follow(`${proxy.url}/${stream.path}`, { transport, retryForMs: RETRY_FOR_MS, retryFirst: true });
    try {
      for await (const piece of following) {
        this.text += decoder.decode(piece, { stream: true });
        this.#offset = String(this.text.length);
      }
      const { reason } = await following.ended;
      if (reason === "complete") return "closed";
      if (reason === "deleted") return "removed";
      throw new WrongRead(`a follower heard that it ended as "${reason}"`);
    } catch (error) {
      // A reader that reconnects after the removal finds nothing.
      if (error instanceof StreamError && ["not_found", "gone", "deleted"].includes(error.code)) return "removed";
      throw error;
    }
  }

  /** The bytes of the file that a response stands for. */
  #bytes(text: string): string {
    const { book } = this.#parts.stream;
    return book.isJson ? book.stored(JSON.parse(text) as string[]) : text;
  }

  #take(bytes: string, next: string): void {
    const at = this.text.length;
    this.text += bytes;
    if (Number(next) !== this.text.length) {
      throw new WrongRead(`a reader got ${bytes.length} bytes behind ${at}, and the next offset was ${next}`);
    }
    this.#offset = next;
    this.#parts.ledger.count("bytes", "read", bytes.length);
  }
}

class WrongRead extends Error {}
