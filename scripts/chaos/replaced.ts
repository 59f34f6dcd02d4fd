/**
 * A path whose file is removed or replaced behind the server's back while it is appended to and followed. No client may
 * mix up the two contents.
 * @module
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type AppendOptions,
  type AppendState,
  type AppendStream,
  follow,
  openAppend,
  StreamError,
} from "../../src/client/mod.ts";
import { RETRY_FOR_MS } from "./appender.ts";
import { Content } from "./content.ts";
import type { PathParts } from "./path-life.ts";
import { HostileProxy } from "./proxy.ts";

/** The possible changes of the file, with their weights. */
const DEEDS = { removed: 2, "replaced by a shorter one": 1, "replaced by a longer one": 1 } as const;

/** The size of the file before the append, in bytes. */
const BEGINNING_BYTES = 5_000;

/** What a follower received, and how the follow ended: with a reason, or with the code of an error. */
interface Seen {
  readonly bytes: Buffer;
  readonly end: string;
}

/** One such path, from its first byte to the comparison of its contents. */
export class ReplacedLife {
  state = "not begun";
  readonly #parts: PathParts;
  readonly #old: Content;
  readonly #new: Content;
  readonly #chunks: readonly number[];
  readonly #deed: keyof typeof DEEDS;
  readonly #proxies: HostileProxy[] = [];

  constructor(parts: PathParts) {
    const { random } = parts;
    this.#parts = parts;
    this.#old = new Content(random.fork("old").between(0, 2 ** 32 - 1));
    this.#new = new Content(random.fork("new").between(0, 2 ** 32 - 1));
    this.#deed = random.fork("deed").weighted(DEEDS);
    const chunks = random.fork("chunks");
    this.#chunks = Array.from({ length: chunks.between(10, 40) }, () => chunks.spread(1, 60_000));
  }

  /** The path, without a leading slash. */
  get path(): string {
    return this.#parts.path;
  }

  /** Runs the appends and the follows, and checks what they saw. Removes the file if there was no problem. */
  async run(): Promise<void> {
    const { path, root, followers, network } = this.#parts;
    const file = join(root, path);
    let isWell = true;
    const complain = (what: string): void => {
      isWell = false;
      network.ledger.problem(`/${path}, whose file was ${this.#deed}: ${what}`);
    };
    // The file must not start empty: any content could continue an empty one if its server died before recording more.
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, this.#old.read(0, BEGINNING_BYTES));
    const { stream } = await this.#open();
    const follows = Array.from({ length: followers }, (_, at) => this.#follow(at));
    const end = await this.#appendWhileReplaced(stream, file);
    if (end === "complete") complain("its append ended as if nothing had happened");
    const begins = await readFile(file).catch(() => Buffer.alloc(0));
    const anew = await this.#appendAnew(begins.length);
    const found = await readFile(file);
    const all = Buffer.concat([begins, anew.bytes]);
    // An append that was disconnected for longer than its grace period leaves only what had been stored.
    const expected = anew.isWhole ? all : all.subarray(0, Math.max(begins.length, found.length));
    if (!found.equals(expected)) complain(`it has ${found.length} bytes that are not what was appended anew`);
    for (const [at, seen] of (await Promise.all(follows)).entries())
      this.#judge(seen, expected, `follower ${at}`, complain);
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    network.ledger.count("replaced", this.#deed);
    if (isWell) await rm(file);
  }

  /** Appends the old content and changes the file in between; resolves with how the append ended. */
  async #appendWhileReplaced(stream: AppendStream, file: string): Promise<string> {
    const { random } = this.#parts;
    const at = random.fork("when").between(1, this.#chunks.length - 1);
    const pause = random.fork("pause");
    return await outcome(stream, async (writer) => {
      let offset = BEGINNING_BYTES;
      for (const [index, bytes] of this.#chunks.entries()) {
        if (index === at) await this.#replace(file, offset);
        this.state = `at chunk ${index} of ${this.#chunks.length}, which was ${this.#deed} at chunk ${at}`;
        await writer.write(this.#old.read(offset, offset + bytes));
        offset += bytes;
        await sleep(pause.between(0, 100));
      }
    });
  }

  async #replace(file: string, size: number): Promise<void> {
    if (this.#deed === "removed") return await rm(file, { force: true });
    const bytes = this.#deed === "replaced by a shorter one" ? Math.ceil(size / 2) : size + 10_000;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.new`, this.#new.read(0, bytes));
    await rename(`${file}.new`, file);
  }

  /** Appends more of the new content after the `from` bytes of the file. */
  async #appendAnew(from: number): Promise<{ bytes: Buffer; isWhole: boolean }> {
    const bytes = this.#new.read(from, from + 50_000);
    this.state = "appending anew";
    const { stream, proxy } = await this.#open();
    const end = await outcome(stream, (writer) => writer.write(bytes));
    const isExpired = end === "gone" && proxy.isAwayFor(this.#parts.graceMs);
    if (end !== "complete" && !isExpired) throw new Error(`what was appended anew ended with "${end}"`);
    return { bytes, isWhole: end === "complete" };
  }

  /** Opens an append, and waits until the path is free: its last append may be in its grace period. */
  async #open(): Promise<{ stream: AppendStream; proxy: HostileProxy }> {
    const proxy = await this.#proxy("appender");
    const onState = ({ state }: AppendState): void => void (state === "open" && proxy.gotThrough());
    const options: AppendOptions = { retryForMs: RETRY_FOR_MS, retryFirst: true, onState };
    for (;;) {
      try {
        return { stream: await openAppend(`${proxy.url}/${this.#parts.path}`, options), proxy };
      } catch (error) {
        if (!(error instanceof StreamError && ["conflict", "gone"].includes(error.code))) throw error;
        await sleep(500);
      }
    }
  }

  async #follow(at: number): Promise<Seen> {
    const { random, path } = this.#parts;
    const chance = random.fork("follow", at);
    await sleep(chance.spread(1, 3_000));
    const proxy = await this.#proxy(`follower ${at}`);
    const pieces: Uint8Array[] = [];
    const transport = chance.chance(0.3) ? "http" : "websocket";
    try {
      const stream = follow(`${proxy.url}/${path}`, { transport, retryForMs: RETRY_FOR_MS, retryFirst: true });
      for await (const piece of stream) pieces.push(piece);
      return { bytes: Buffer.concat(pieces), end: (await stream.ended).reason };
    } catch (error) {
      return { bytes: Buffer.concat(pieces), end: error instanceof StreamError ? error.code : String(error) };
    }
  }

  #judge({ bytes, end }: Seen, expected: Buffer, who: string, complain: (what: string) => void): void {
    this.#parts.network.ledger.count("follows of replaced files", end);
    const isOld = this.#old.difference(bytes, 0) === undefined;
    const isNew = expected.subarray(0, bytes.length).equals(bytes);
    if (!isOld && !isNew) {
      const at = this.#old.difference(bytes, 0);
      complain(`${who} got ${bytes.length} bytes, the first ${at} of the old content, and then "${end}"`);
    }
    if (end === "complete" && !bytes.equals(expected)) complain(`${who} heard "complete" after ${bytes.length} bytes`);
  }

  async #proxy(whose: string): Promise<HostileProxy> {
    const { network, random } = this.#parts;
    const proxy = await HostileProxy.start(network, random.fork("proxy", whose, this.#proxies.length));
    this.#proxies.push(proxy);
    return proxy;
  }
}

/** Writes to an append and closes it; resolves with `complete` or the code of its error. */
async function outcome(
  stream: AppendStream,
  write: (writer: WritableStreamDefaultWriter<Uint8Array | string>) => Promise<void>,
): Promise<string> {
  const writer = stream.getWriter();
  // If the stream fails, `closed` has the original reason; a later write may reject with another.
  const closed = writer.closed.then(
    () => "complete",
    (error: unknown) => (error instanceof StreamError ? error.code : String(error)),
  );
  await write(writer)
    .then(() => writer.close())
    .catch((error: unknown) => writer.abort(error))
    .catch(() => {});
  return await closed;
}
