/**
 * The views that show a path as a whole: Markdown, images, audio and video.
 * @module
 */
import { Blocks } from "./bytes/blocks.ts";
import { LineIndex } from "./bytes/line-index.ts";
import { Lines } from "./bytes/lines.ts";
import type { Source } from "./bytes/source.ts";
import { showReplaced } from "./failure.ts";
import { Follower } from "./follower.ts";
import { humanBytes } from "./rows/row.ts";
import { askForToken } from "./start.ts";
import type { Status } from "./status.ts";
import { byId, make, showBanner } from "./ui/dom.ts";
import { withSigns } from "./ui/signs.ts";
import { render } from "./views/markdown.ts";
import { MarkdownReader } from "./views/markdown-reader.ts";
import { MediaView } from "./views/media.ts";

/** Milliseconds between two renderings of growing Markdown. */
const RENDER_MS = 250;

/** Milliseconds without a byte after which an image is loaded again: a part of one is of no use. */
const QUIET_MS = 1_500;

/** Maximum bytes of Markdown that are rendered. */
const MAX_BYTES = 2 * 1024 * 1024;

/** A path that is shown as a whole. */
export class DocumentView {
  readonly #blocks: Blocks;
  readonly #lines: Lines;
  readonly #media: MediaView | undefined;
  readonly #markdown = new MarkdownReader();
  readonly #follower: Follower;
  readonly #element = byId("document");
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param type The media type of an image, of audio or video; undefined for Markdown. */
  constructor(source: Source, status: Status, type: string | undefined) {
    this.#blocks = new Blocks(source);
    this.#lines = new Lines(this.#blocks, new LineIndex());
    this.#media = type === undefined ? undefined : new MediaView(source, type);
    this.#follower = new Follower({
      ...{ source, status, size: () => this.#blocks.size },
      onGrown: ({ size, bytes }) => {
        this.#blocks.put(size - bytes.length, bytes);
        if (this.#media) clearTimeout(this.#timer);
        if (this.#media) this.#timer = setTimeout(() => void this.#show(), QUIET_MS);
        else this.#timer ??= setTimeout(() => void this.#show(), RENDER_MS);
      },
      onReplaced: (reason) => showReplaced(status, reason),
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

  /** Scrolls by a number of pages; infinity scrolls to the end, and its negative to the start. */
  scroll(pages: number): void {
    const { clientHeight } = this.#element;
    if (Number.isFinite(pages)) this.#element.scrollBy(0, pages * (clientHeight - 40));
    else this.#element.scrollTo(0, pages > 0 ? this.#element.scrollHeight : 0);
  }

  async #show(): Promise<void> {
    const { size } = this.#blocks;
    byId("size").textContent = size === 0 ? "" : humanBytes(size);
    try {
      if (size > 0) await (this.#media ? this.#media.show(size) : this.#render(size));
    } finally {
      this.#timer = undefined;
    }
    if (this.#blocks.size > size) this.#timer ??= setTimeout(() => void this.#show(), RENDER_MS);
  }

  async #render(size: number): Promise<void> {
    const bytes = await this.#lines.bytes(0, Math.min(size, MAX_BYTES));
    const text = new TextDecoder().decode(bytes);
    const blocks = await this.#markdown.read(text);
    const isAtEnd = this.#element.scrollTop > this.#element.scrollHeight - this.#element.clientHeight - 40;
    const wasFilled = this.#element.childElementCount > 0;
    if (blocks) render(this.#element, blocks);
    else {
      const plain = make("pre", "");
      plain.append(...withSigns(text.replaceAll("\r\n", "\n")));
      this.#element.replaceChildren(plain);
    }
    if (wasFilled && isAtEnd) this.scroll(Number.POSITIVE_INFINITY);
    if (!blocks) showBanner("Reading this Markdown would take too long, so its text is shown.");
    if (size <= MAX_BYTES) return;
    showBanner(`This is the beginning. "Log" shows all ${humanBytes(size)}.`);
  }
}
