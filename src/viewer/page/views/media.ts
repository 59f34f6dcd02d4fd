/**
 * Images, audio and video.
 * @module
 */
import type { Source } from "../bytes/source.ts";
import { byId } from "../ui/dom.ts";

/** Shows an image, audio or video, and loads it again when an append has ended. */
export class MediaView {
  readonly #source: Source;
  readonly #element: HTMLImageElement | HTMLMediaElement;
  #size = -1;

  constructor(source: Source, type: string) {
    this.#source = source;
    const kind = type.startsWith("image/") ? "img" : type.startsWith("audio/") ? "audio" : "video";
    this.#element = document.createElement(kind);
    if (this.#element instanceof HTMLMediaElement) {
      this.#element.controls = true;
      this.#element.setAttribute("aria-label", source.name);
    } else this.#element.alt = source.name;
    byId("document").replaceChildren(this.#element);
  }

  /** Shows what is stored now. */
  async show(size: number): Promise<void> {
    if (size === 0 || size === this.#size) return;
    this.#size = size;
    const url = this.#source.with({ raw: "" });
    // A browser that is not to ask for the old bytes again.
    url.searchParams.set("size", String(size));
    if (this.#source.token === undefined) this.#element.src = url.href;
    else {
      const response = await this.#source.request(url);
      this.#element.src = URL.createObjectURL(await response.blob());
    }
  }
}
