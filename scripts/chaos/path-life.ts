/**
 * One path, from its first byte to the comparison of source, file and followers.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Appender, type AppendResult } from "./appender.ts";
import { Content } from "./content.ts";
import { Follower, type FollowResult } from "./follower.ts";
import { drawPath, type FollowPlan, type PathPlan } from "./plan.ts";
import { HostileProxy, type Network } from "./proxy.ts";
import type { Random } from "./random.ts";
import type { StoredPaths } from "./stored.ts";

/** The dependencies of a {@link PathLife}. */
export interface PathParts {
  readonly path: string;
  /** The folder of the servers. Empty if they have none. */
  readonly root: string;
  readonly stored: StoredPaths;
  readonly random: Random;
  readonly network: Network;
  readonly graceMs: number;
  readonly followers: number;
  /** See `drawPath`. */
  readonly length: number;
}

/** A path with its appender and its followers. */
export class PathLife {
  readonly #parts: PathParts;
  readonly #content: Content;
  readonly #plan: PathPlan;
  readonly #followers: Follower[] = [];
  readonly #proxies: HostileProxy[] = [];
  #appender: Appender | undefined;

  constructor(parts: PathParts) {
    this.#parts = parts;
    this.#content = new Content(parts.random.fork("content").between(0, 2 ** 32 - 1));
    this.#plan = drawPath(parts.random, parts.followers, parts.length);
  }

  /** The path, without a leading slash. */
  get path(): string {
    return this.#parts.path;
  }

  /** The current states of the appender and the followers, in lines. */
  get state(): string {
    const followers = this.#followers.map(({ state }) => `\n    a follower: ${state}`);
    return `/${this.#parts.path}: ${this.#appender?.state}${followers.join("")}`;
  }

  /** Runs the append and the follows, and compares the results. Removes the file if there was no problem. */
  async run(): Promise<void> {
    const { path, stored, network } = this.#parts;
    const { ledger } = network;
    let isWell = true;
    const complain = (what: string): void => {
      isWell = false;
      ledger.problem(`/${path}: ${what}`);
    };
    const appender = await this.#append();
    const [appended, ...followed] = await Promise.allSettled([
      appender.run(),
      ...this.#plan.follows.map((plan, at) => this.#follow(appender, plan, at)),
    ]);
    if (appended.status === "rejected") complain(`the append failed: ${inWords(appended.reason)}`);
    else await this.#compareStored(appended.value, complain);
    for (const [at, result] of followed.entries()) {
      const who = `follower ${at}`;
      if (result.status === "rejected") complain(`${who} failed: ${inWords(result.reason)}`);
      else if (appended.status === "fulfilled") {
        await this.#compareFollower(appended.value, result.value, (what) => complain(`${who} ${what}`));
      }
    }
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    if (isWell) await stored.remove(path);
  }

  async #append(): Promise<Appender> {
    const { path, graceMs, network } = this.#parts;
    const proxy = await this.#proxy("appender");
    this.#appender = new Appender({
      path,
      content: this.#content,
      plan: this.#plan.append,
      proxy,
      graceMs,
      ledger: network.ledger,
      isFollowedTo: (offset) => this.#followers.every(({ at }) => at >= offset),
    });
    return this.#appender;
  }

  async #follow(appender: Appender, plan: FollowPlan, at: number): Promise<FollowResult> {
    const { path, network } = this.#parts;
    await appender.opened;
    await sleep(plan.lateMs);
    const proxy = await this.#proxy(`follower ${at}`);
    const from = plan.joinsLater ? appender.acked : 0;
    const { ledger } = network;
    const follower = new Follower({ path, content: this.#content, plan, proxy, ledger }, from);
    this.#followers.push(follower);
    return await follower.run();
  }

  async #proxy(whose: string): Promise<HostileProxy> {
    const { network, random } = this.#parts;
    const proxy = await HostileProxy.start(network, random.fork("proxy", whose));
    this.#proxies.push(proxy);
    return proxy;
  }

  async #compareStored(appended: AppendResult, complain: (what: string) => void): Promise<void> {
    const { path, stored, network } = this.#parts;
    const { ledger } = network;
    const { size, sha256: found } = await stored.digest(path);
    const { end, acked, written } = appended;
    if (end === "complete" && size !== written) complain(`the file has ${size} bytes, the source had ${written}`);
    if (size < acked) complain(`the file has ${size} bytes, though ${acked} were acknowledged`);
    if (size > written) complain(`the file has ${size} bytes, though only ${written} were written`);
    const source = size === written ? appended.sha256 : this.#content.sha256(0, size);
    if (found !== source) complain(`the SHA-256 of its first ${size} bytes is ${source}, of the file's ${found}`);
    ledger.count("bytes", "appended", size);
    ledger.count("compared", "files");
  }

  async #compareFollower(
    appended: AppendResult,
    followed: FollowResult,
    complain: (what: string) => void,
  ): Promise<void> {
    const { path, stored } = this.#parts;
    const size = await stored.size(path);
    const { from, to, end, wrongAt } = followed;
    if (wrongAt !== undefined) complain(`got a wrong byte at offset ${wrongAt}`);
    if (to !== size) complain(`got the bytes up to ${to} and then "${end.reason}", though the file has ${size}`);
    const [found, source] = [followed.sha256, this.#content.sha256(from, to)];
    if (found !== source) complain(`got bytes from ${from} to ${to} whose SHA-256 is ${found}, and not ${source}`);
    // A follower that reconnects after the end gets the reason from the path's record.
    const wanted = appended.end === "complete" ? "complete" : "lost";
    if (end.reason !== wanted) complain(`heard that it ended as "${end.reason}", and not as "${wanted}"`);
    this.#parts.network.ledger.count("compared", "followers");
  }
}

function inWords(thrown: unknown): string {
  const { code, stack = String(thrown) } = thrown as { code?: string; stack?: string };
  return code === undefined ? stack : `${code}: ${stack}`;
}
