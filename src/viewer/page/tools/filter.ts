/**
 * Shows only the lines with hits, and a few lines around each.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import type { Scroller } from "../rows/scroller.ts";
import { byId } from "../ui/dom.ts";
import { Listed } from "./listed.ts";

/** What the filter works with. */
export interface FilterParts {
  readonly lines: Lines;
  readonly scroller: Scroller;
  /** The offsets of the lines with hits. */
  readonly hits: () => readonly number[];
}

/** The filter. */
export class Filter {
  readonly #parts: FilterParts;
  readonly #around: HTMLSelectElement;
  #changes = 0;

  constructor(parts: FilterParts) {
    this.#parts = parts;
    this.#around = byId("around") as HTMLSelectElement;
    this.#around.addEventListener("change", () => void this.#show(true));
  }

  /** Switches the filter on, or off. */
  async toggle(): Promise<void> {
    await this.#show(!this.#parts.lines.only);
  }

  /** Shows all lines again. */
  async end(): Promise<void> {
    // Also if it is about to be switched on.
    this.#changes++;
    if (this.#parts.lines.only) await this.#show(false);
  }

  /** Shows hits that have been found since. */
  async update(): Promise<void> {
    const { lines, scroller, hits } = this.#parts;
    if (!lines.only) return;
    const change = ++this.#changes;
    const listed = await Listed.of(lines, hits(), Number(this.#around.value));
    if (change !== this.#changes) return;
    lines.only = listed;
    await scroller.grown();
  }

  async #show(isOn: boolean): Promise<void> {
    const { lines, scroller, hits } = this.#parts;
    if (isOn && hits().length === 0) return;
    const change = ++this.#changes;
    const { first } = scroller.visible;
    const listed = isOn ? await Listed.of(lines, hits(), Number(this.#around.value)) : undefined;
    if (change !== this.#changes) return;
    lines.only = listed;
    byId("filter-lines").setAttribute("aria-pressed", String(isOn));
    this.#around.hidden = !isOn;
    const place = first?.offset ?? 0;
    await scroller.jump(listed ? listed.near(place) : place);
  }
}
