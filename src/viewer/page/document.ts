/**
 * The views of a path as a whole: a text with markup, an image, audio or video.
 * @module
 */
import { Blocks } from "./bytes/blocks.ts";
import { LineIndex } from "./bytes/line-index.ts";
import { Lines } from "./bytes/lines.ts";
import type { Source } from "./bytes/source.ts";
import { Follower } from "./follower.ts";
import { humanBytes } from "./rows/row.ts";
import { askForToken } from "./start.ts";
import type { Status } from "./status.ts";
import { byId, make, showBanner } from "./ui/dom.ts";
import { render } from "./views/markdown.ts";
import { MarkdownReader } from "./views/markdown-reader.ts";
import { MediaView } from "./views/media.ts";

/** Milliseconds between two times that a growing document is shown. */
const SHOW_MS = 250;

/** Milliseconds without a byte after which an image is loaded again. */
const QUIET_MS = 1_500;

/** Most bytes of a text with markup. */
const MOST_BYTES = 2 * 1024 * 1024;

/** The view. */
export class DocumentView {
  readonly #source: Source;
  readonly #blocks: Blocks;
  readonly #lines: Lines;
  readonly #media: MediaView | undefined;
  readonly #markdown = new MarkdownReader();
  readonly #follower: Follower;
  readonly #element = byId("document");
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param type The media type; undefined for a text with markup. */
  constructor(source: Source, status: Status, type: string | undefined) {
    this.#source = source;
    this.#blocks = new Blocks(source);
    this.#lines = new Lines(this.#blocks, new LineIndex());
    this.#media = type === undefined ? undefined : new MediaView(source, type);
    this.#follower = new Follower({
      ...{ source, status, size: () => this.#blocks.size },
      onGrown: ({ size, bytes }) => {
        this.#blocks.put(size - bytes.length, bytes);
        // A part of an image is loaded only if no more of it comes.
        if (this.#media) clearTimeout(this.#timer);
        if (this.#media) this.#timer = setTimeout(() => void this.#show(), QUIET_MS);
        else this.#timer ??= setTimeout(() => void this.#show(), SHOW_MS);
      },
      onReplaced: (reason) => {
        status.set(reason);
        showBanner("The content has changed.", { label: "Show what is there now", run: () => location.reload() });
      },
      onUnauthorized: (message) => void askForToken(source, message).then(() => this.#follower.start()),
    });
    byId("pane").hidden = true;
    this.#element.hidden = false;
  }

  /** Shows the path, and follows it. */
  async open(size: number): Promise<void> {
    this.#blocks.size = size;
    this.#follower.start();
    await this.#show();
  }

  /** Scrolls by a part of the height, or to an end. */
  scroll(pages: number): void {
    const { clientHeight } = this.#element;
    if (Number.isFinite(pages)) this.#element.scrollBy(0, pages * (clientHeight - 40));
    else this.#element.scrollTo(0, pages > 0 ? this.#element.scrollHeight : 0);
  }

  async #show(): Promise<void> {
    const { size } = this.#blocks;
    byId("size").textContent = size === 0 ? "" : humanBytes(size);
    try {
      if (this.#media) await this.#media.show(size);
      else await this.#showText(size);
    } finally {
      this.#timer = undefined;
    }
    if (this.#blocks.size > size) this.#timer ??= setTimeout(() => void this.#show(), SHOW_MS);
  }

  async #showText(size: number): Promise<void> {
    const bytes = await this.#lines.bytes(0, Math.min(size, MOST_BYTES));
    const text = new TextDecoder().decode(bytes);
    const blocks = await this.#markdown.read(text);
    const isAtEnd = this.#element.scrollTop > this.#element.scrollHeight - this.#element.clientHeight - 40;
    const wasFilled = this.#element.childElementCount > 0;
    if (blocks) render(this.#element, blocks);
    else this.#element.replaceChildren(make("pre", text));
    if (wasFilled && isAtEnd) this.scroll(Number.POSITIVE_INFINITY);
    if (!blocks) showBanner("Its markup would take too long to read. This is its text.");
    if (size > MOST_BYTES) showBanner(`This is the beginning of it. "${this.#source.name}" has ${humanBytes(size)}.`);
  }
}
