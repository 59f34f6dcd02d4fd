/**
 * What measures in the page of each candidate, before its own scripts run. It finds lines by what is painted at a point,
 * and knows them by the numbers that they contain.
 * @module
 */

/** What the benchmark calls, as `probe`. */
interface Probe {
  /** Resolves with the milliseconds since the navigation when a line is painted. */
  readonly painted: Promise<number>;
  /** Resolves with them when the candidate has the whole log. */
  loaded(): Promise<number>;
  scroll(frames: number, pixels: number): Promise<{ readonly gaps: number[]; readonly blank: number }>;
  /** Moves the scrollbar, and resolves with the milliseconds until the lines of that part are there. */
  jump(part: number, lines: number): Promise<number>;
  /** Records frames until {@link stop}, which returns the milliseconds between them. */
  record(): void;
  stop(): number[];
  /** Resolves when a line or a later one is the last one. */
  shown(number: number): Promise<void>;
  /** Resolves with the milliseconds since the navigation when the row with that number is in view. */
  row(number: number): Promise<number>;
  /** The nodes of the document. */
  nodes(): number;
}

/** The rows of the viewer page, and those of the viewer of React. */
const ROW = ".row, .log-line";

/** Where a line has text. */
const X = 250;

const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));

/** The number of the line at a height of the window. */
function numberAt(y: number): number | undefined {
  const caret = document.caretPositionFromPoint?.(X, y);
  const node = caret?.offsetNode;
  if (!caret || !node) return undefined;
  const element = node instanceof Element ? node : node.parentElement;
  const row = element?.closest(ROW);
  const text = row ? row.textContent : lineOf(node, caret.offset);
  const found = /#(\d{9}) /.exec(text ?? "");
  return found ? Number(found[1]) : undefined;
}

/** The line of a text node with many. */
function lineOf(node: Node, offset: number): string {
  if (!(node instanceof Text)) return "";
  const end = node.data.indexOf("\n", offset);
  const start = offset === 0 ? 0 : node.data.lastIndexOf("\n", offset - 1) + 1;
  return node.data.slice(start, end === -1 ? undefined : end);
}

/** The number of a line around the middle of the window. */
function middle(): number | undefined {
  for (const part of [0.5, 0.45, 0.55]) {
    const number = numberAt(innerHeight * part);
    if (number !== undefined) return number;
  }
  return undefined;
}

/** The number of the last line in view. */
function last(): number | undefined {
  for (let y = innerHeight - 3; y > innerHeight / 2; y -= 6) {
    const number = numberAt(y);
    if (number !== undefined) return number;
  }
  return undefined;
}

/** What scrolls the lines. */
function scroller(): Element {
  const ours = document.querySelector("#view");
  if (ours) return ours;
  for (let element = document.querySelector(ROW); element; element = element.parentElement) {
    if (element.scrollHeight > element.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(element).overflowY)) {
      return element;
    }
  }
  return document.scrollingElement ?? document.documentElement;
}

async function whenPainted(holds: () => boolean): Promise<number> {
  while (!holds()) await frame();
  // The frame with it is painted before the next one begins.
  await frame();
  return performance.now();
}

let recorded: number[] | undefined;

const probe: Probe = {
  painted: whenPainted(() => middle() !== undefined),
  loaded: () => whenPainted(() => "loaded" in document.documentElement.dataset),
  async scroll(frames, pixels) {
    const view = scroller();
    const gaps: number[] = [];
    let blank = 0;
    let before = await frame();
    for (let count = 0; count < frames; count++) {
      view.scrollTop += pixels;
      const now = await frame();
      gaps.push(now - before);
      before = now;
      if (middle() === undefined) blank++;
    }
    return { gaps, blank };
  },
  async jump(part, lines) {
    const view = scroller();
    const start = performance.now();
    view.scrollTop = part * (view.scrollHeight - view.clientHeight);
    await whenPainted(() => Math.abs((middle() ?? Number.NaN) / lines - part) < 0.02);
    return performance.now() - start;
  },
  record() {
    const gaps: number[] = [];
    recorded = gaps;
    void (async () => {
      for (let before = await frame(); recorded === gaps; ) {
        const now = await frame();
        gaps.push(now - before);
        before = now;
      }
    })();
  },
  stop() {
    const gaps = recorded ?? [];
    recorded = undefined;
    return gaps;
  },
  async shown(number) {
    await whenPainted(() => (last() ?? -1) >= number);
  },
  row: (number) =>
    whenPainted(() => {
      const bounds = document.querySelector(`.row[data-n="${number}"]`)?.getBoundingClientRect();
      return bounds !== undefined && bounds.bottom > 0 && bounds.top < innerHeight;
    }),
  nodes() {
    const walker = document.createTreeWalker(document);
    let count = 1;
    while (walker.nextNode()) count++;
    return count;
  },
};

Object.assign(globalThis, { probe });
