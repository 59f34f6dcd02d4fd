/**
 * The state of the path in words: in the page, and in the title.
 * @module
 */
import { byId } from "./ui/dom.ts";

/** The states, what each is called, and the sign for it in the title. */
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
  refused: ["Refused", "✗"],
  broken: ["Following failed", "✗"],
} as const;

/** A state of the path. */
export type PathState = keyof typeof STATES;

/** Milliseconds without a byte until a live path is called quiet. */
const QUIET_MS = 40_000;

/** Shows the state of the path. */
export class Status {
  readonly #name: string;
  #state: PathState = "loading";
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string) {
    this.#name = name;
    this.set("loading");
  }

  get state(): PathState {
    return this.#state;
  }

  /** Shows a state. A live path is called quiet after a while, unless {@link heard} is called. */
  set(state: PathState, detail = ""): void {
    clearTimeout(this.#quiet);
    this.#state = state;
    if (state === "live") this.#quiet = setTimeout(() => this.set("quiet"), QUIET_MS);
    const [words, sign] = STATES[state];
    const text = detail === "" ? words : `${words}: ${detail}`;
    const element = byId("state");
    if (element.textContent !== text) element.textContent = text;
    element.dataset.state = state;
    document.title = sign === "" ? this.#name : `${sign} ${this.#name}`;
  }

  /** Shows other words than those of a state, and a sign in the title. */
  say(words: string, sign: string): void {
    clearTimeout(this.#quiet);
    const element = byId("state");
    if (element.textContent !== words) element.textContent = words;
    element.dataset.state = sign === "" ? "unknown" : "live";
    document.title = sign === "" ? this.#name : `${sign} ${this.#name}`;
  }

  /** Shows when the next attempt is made. */
  countdown(milliseconds: number): void {
    byId("countdown").textContent = milliseconds < 1_000 ? "" : `in ${Math.round(milliseconds / 1_000)} s`;
  }

  /** A byte has arrived. */
  heard(): void {
    this.countdown(0);
    this.set("live");
  }
}

/** The state that a reason of the server means. */
export function stateOf(reason: string): PathState {
  return reason in STATES && reason !== "loading" ? (reason as PathState) : "unknown";
}
