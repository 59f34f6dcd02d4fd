/**
 * The actions of the controls: go to a place, copy, save.
 * @module
 */
import type { Source } from "./bytes/source.ts";
import type { LogView } from "./log.ts";
import { textOfLines } from "./tools/copy.ts";
import { formatLink, parseLink } from "./tools/links.ts";
import { findArrival, findTime } from "./tools/times.ts";
import { announce, make, showBanner, showNote } from "./ui/dom.ts";

/** Milliseconds for which the bytes of a download stay in memory. */
const DOWNLOAD_MS = 60_000;

/**
 * Goes to a place.
 *
 * @param place A line or a range of lines, `@` and a byte, a percentage, or a time.
 * @returns Whether there is such a place.
 */
export async function goTo(view: LogView, place: string): Promise<boolean> {
  const { lines, scroller, arrivals } = view;
  const text = place.trim();
  const [, first, last] = /^L?(\d+)(?:\s*[-–]\s*L?(\d+))?$/.exec(text) ?? [];
  const [, byte] = /^@(\d+)$/.exec(text) ?? [];
  const [, part] = /^(\d{1,3})\s*%$/.exec(text) ?? [];
  if (first !== undefined) await open(view, `#L${first}-L${last ?? first}`);
  else if (byte !== undefined) await open(view, `#@${byte}`);
  else if (part !== undefined) await scroller.jump((lines.size * Math.min(100, Number(part))) / 100);
  else {
    const offset = (await findTime(lines, text)) ?? findArrival(arrivals, text, Date.now());
    if (offset === undefined) return false;
    await open(view, `#@${offset}`);
  }
  return true;
}

/** Opens a link to a place, even if it is the current one. The search and the kind of view stay. */
async function open(view: LogView, link: string): Promise<void> {
  const { lines, bytes } = parseLink(link);
  const hash = formatLink({ ...parseLink(location.hash), lines, bytes });
  // The browser reports only changes.
  if (location.hash === hash) await view.openLink();
  else location.hash = hash;
}

/** Copies the marked lines, or else those in view. */
export async function copy(view: LogView): Promise<void> {
  const text = await chosenText(view);
  if (text === undefined) return;
  if (!(await writeToClipboard(text))) {
    return showBanner('The browser forbids copying. "S" saves the lines.');
  }
  const count = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  const note = count === 1 ? "Copied one line." : `Copied ${count} lines.`;
  announce(note);
  showNote(note);
}

/** Saves the bytes of the path as a file. */
export async function save(source: Source): Promise<void> {
  const isOpen = source.token === undefined;
  const href = isOpen ? source.with({ raw: "" }).href : URL.createObjectURL(await source.blob());
  make("a", "", { href, download: source.name.replace(/^.*\//, "") || "log" }).click();
  if (!isOpen) setTimeout(() => URL.revokeObjectURL(href), DOWNLOAD_MS);
}

/** Puts text on the clipboard. Resolves to false if the browser refuses. */
async function writeToClipboard(text: string): Promise<boolean> {
  // Browsers have this only for pages with TLS or of their own machine.
  const { clipboard } = navigator as { clipboard?: Clipboard };
  if (clipboard) {
    return clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const { activeElement } = document;
  // Some browsers copy nothing unless something is selected.
  const field = make("textarea", " ");
  document.body.append(field);
  field.select();
  document.addEventListener(
    "copy",
    (event) => {
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
    },
    { once: true },
  );
  const isCopied = document.execCommand("copy");
  field.remove();
  if (activeElement instanceof HTMLElement) activeElement.focus();
  return isCopied;
}

/** Saves the marked lines, or else those in view, as plain text. */
export async function saveLines(view: LogView, name: string): Promise<void> {
  const text = await chosenText(view);
  if (text === undefined) return;
  const href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  make("a", "", { href, download: `${name}-lines.txt` }).click();
  setTimeout(() => URL.revokeObjectURL(href), DOWNLOAD_MS);
}

/** The marked lines, or else those in view, as plain text; undefined if there are none, or too many to copy. */
async function chosenText({ lines, marked, scroller }: LogView): Promise<string | undefined> {
  const { first, last } = scroller.visible;
  const range = marked.range ?? (first && last && { from: first.offset, to: last.next });
  const text = range && (await textOfLines(lines, range.from, range.to));
  if (range && text === undefined) showBanner("These lines are more than 16 MB. Save the file instead.");
  return text;
}
