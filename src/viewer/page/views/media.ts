/**
 * Images, audio and video.
 * @module
 */
import type { Source } from "../bytes/source.ts";
import { byId, showBanner } from "../ui/dom.ts";
import { withoutHidden } from "../ui/signs.ts";

/** An image, audio or video. The browser loads and plays it. */
export class MediaView {
  readonly #source: Source;
  readonly #element: HTMLImageElement | HTMLMediaElement;
  #size = 0;

  /** @param type The media type of the path. */
  constructor(source: Source, type: string) {
    this.#source = source;
    const kind = type.startsWith("image/") ? "img" : type.startsWith("audio/") ? "audio" : "video";
    const names = { img: "image", audio: "audio", video: "video" } as const;
    this.#element = document.createElement(kind);
    if (this.#element instanceof HTMLMediaElement) {
      this.#element.controls = true;
      this.#element.setAttribute("aria-label", withoutHidden(source.name));
    } else this.#element.alt = withoutHidden(source.name);
    byId("document").replaceChildren(this.#element);
    // Bytes that arrive later may complete it.
    const broken = `The browser can't show this ${names[kind]}: it may be incomplete, or something else. "Save" has the bytes.`;
    this.#element.addEventListener("error", () => showBanner(broken));
    this.#element.addEventListener(kind === "img" ? "load" : "loadedmetadata", () => {
      if (byId("banner").textContent === broken) showBanner("");
    });
  }

  /**
   * Loads the bytes, unless those of this size are shown.
   *
   * @throws {Replaced} and {@link Refused}, as {@link Source.blob}.
   */
  async show(size: number): Promise<void> {
    if (size === this.#size) return;
    this.#size = size;
    if (this.#source.token === undefined) {
      const url = this.#source.with({ raw: "" });
      // Another address keeps the browser from showing the former bytes again.
      url.searchParams.set("size", String(size));
      this.#element.src = url.href;
      return;
    }
    const blob = await this.#source.blob();
    if (size !== this.#size) return;
    URL.revokeObjectURL(this.#element.src);
    this.#element.src = URL.createObjectURL(blob);
  }
}
