/**
 * What the controls do with the lines.
 * @module
 */
import type { LogView } from "./log.ts";
import { textOfLines } from "./tools/copy.ts";
import { findTime } from "./tools/times.ts";
import { announce, make, showBanner } from "./ui/dom.ts";

/** Milliseconds for which a note is shown. */
const NOTE_MS = 5_000;

/** Goes where a reader wants: a line, `@` and a byte, a part in per cent, or a time. */
export async function goTo({ lines, scroller, arrivals }: LogView, wanted: string): Promise<boolean> {
  const text = wanted.trim();
  const [, byte] = /^@(\d+)$/.exec(text) ?? [];
  const [, part] = /^(\d{1,3})\s*%$/.exec(text) ?? [];
  if (/^L?\d+$/.test(text)) location.hash = `L${text.replace(/^L/, "")}`;
  else if (byte !== undefined) location.hash = `@${byte}`;
  else if (part !== undefined) await scroller.jump((lines.size * Math.min(100, Number(part))) / 100);
  else {
    const offset = (await findTime(lines, text)) ?? arrivals.find(text, Date.now());
    if (offset === undefined) return false;
    location.hash = `@${offset}`;
  }
  return true;
}

/** Copies the marked lines, or else those that are visible. */
export async function copy(view: LogView): Promise<void> {
  const text = await chosenText(view);
  if (text === undefined) return;
  try {
    // Browsers have no clipboard for pages that did not come over TLS or from this machine.
    await navigator.clipboard.writeText(text);
  } catch {
    showBanner('The browser does not let this page copy. The key "S" saves the lines as a file.');
    return;
  }
  const count = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  const note = count === 1 ? "Copied one line." : `Copied ${count} lines.`;
  announce(note);
  showBanner(note);
  setTimeout(() => showBanner(""), NOTE_MS);
}

/** Saves the marked lines, or else those that are visible, as plain text. */
export async function saveLines(view: LogView, name: string): Promise<void> {
  const text = await chosenText(view);
  if (text === undefined) return;
  const href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  make("a", "", { href, download: `${name}-lines.txt` }).click();
}

async function chosenText({ lines, marked, scroller }: LogView): Promise<string | undefined> {
  const { first, last } = scroller.visible;
  const range = marked.range ?? (first && last && { from: first.offset, to: last.next });
  const text = range && (await textOfLines(lines, range.from, range.to));
  if (range && text === undefined) showBanner("These lines are more than 16 MB. Save the file instead.");
  return text;
}
