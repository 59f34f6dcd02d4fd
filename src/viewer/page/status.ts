/**
 * The state of the path in words: in the page, and in the title.
 * @module
 */

import { byId } from "./ui/dom.ts";
import { withoutHidden } from "./ui/signs.ts";

/** The states: the words for each, and its sign in the title. */
const STATES = {
  loading: ["Loading", ""],
  waiting: ["Waiting for the first byte", "○"],
  live: ["Live", "●"],
  quiet: ["Quiet: nothing new for 40 seconds", "●"],
  reconnecting: ["Reconnecting", "…"],
  offline: ["Offline", "…"],
  complete: ["Complete", "✓"],
  lost: ["Lost: its appender disappeared", "✗"],
  failed: ["Failed: the server could not store it", "✗"],
  limit: ["Stopped: a limit of the server was reached", "✗"],
  deleted: ["Deleted", "✗"],
  replaced: ["Replaced by other content", "✗"],
  unknown: ["Not being written", ""],
  missing: ["Does not exist", "✗"],
  refused: ["Refused", "✗"],
  broken: ["Following failed", "✗"],
} as const;

/** A state of the path. */
export type PathState = keyof typeof STATES;

/** Milliseconds without a byte after which a live path counts as quiet. */
const QUIET_MS = 40_000;

/** Shows the state of the path. */
export class Status {
  readonly #name: string;
  #state: PathState = "loading";
  #quiet: ReturnType<typeof setTimeout> | undefined;

  /** @param name The name in the title. */
  constructor(name: string) {
    this.#name = withoutHidden(name);
    this.set("loading");
  }

  /** The state that is shown. */
  get state(): PathState {
    return this.#state;
  }

  /** Shows a state. A live path becomes quiet after a while, unless {@link heard} is called. */
  set(state: PathState, detail = ""): void {
    this.#state = state;
    const [words, sign] = STATES[state];
    this.#show(detail === "" ? words : `${words}: ${detail}`, sign, state);
    if (state === "live") this.#quiet = setTimeout(() => this.set("quiet"), QUIET_MS);
  }

  /** Shows words of the caller in place of a state. */
  say(words: string, isLive: boolean): void {
    this.#show(words, isLive ? STATES.live[1] : "", isLive ? "live" : "unknown");
  }

  /** Shows in how many milliseconds the next attempt begins; 0 if none is due. */
  showDelay(milliseconds: number): void {
    byId("delay").textContent = milliseconds < 1_000 ? "" : `in ${Math.round(milliseconds / 1_000)} s`;
  }

  /** Bytes have arrived: the path is live. */
  heard(): void {
    this.showDelay(0);
    this.set("live");
  }

  #show(words: string, sign: string, look: PathState): void {
    clearTimeout(this.#quiet);
    const element = byId("state");
    // Screen readers announce each change, also to the same words.
    if (element.textContent !== words) element.textContent = words;
    element.dataset.state = look;
    document.title = sign === "" ? this.#name : `${sign} ${this.#name}`;
  }
}
