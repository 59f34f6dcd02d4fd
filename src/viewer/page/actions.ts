/**
 * What the controls do with the lines.
 * @module
 */
import type { LogView } from "./log.ts";
import { textBetween } from "./tools/copy.ts";
import { findTime } from "./tools/times.ts";
import { announce, showBanner } from "./ui/dom.ts";

/** Milliseconds for which a note is shown. */
const NOTE_MS = 5_000;

/** Goes where a reader wants: a line, `@` and a byte, a part in per cent, or a time. */
export async function goTo({ lines, scroller }: LogView, wanted: string): Promise<boolean> {
  const text = wanted.trim();
  const [, byte] = /^@(\d+)$/.exec(text) ?? [];
  const [, part] = /^(\d{1,3})\s*%$/.exec(text) ?? [];
  if (/^L?\d+$/.test(text)) location.hash = `L${text.replace(/^L/, "")}`;
  else if (byte !== undefined) location.hash = `@${byte}`;
  else if (part !== undefined) await scroller.jump((lines.size * Math.min(100, Number(part))) / 100);
  else {
    const offset = await findTime(lines, text);
    if (offset === undefined) return false;
    location.hash = `@${offset}`;
  }
  return true;
}

/** Copies the marked lines, or else those that are visible. */
export async function copy({ lines, marked, scroller }: LogView): Promise<void> {
  const { first, last } = scroller.visible;
  const range = marked.range ?? (first && last && { from: first.offset, to: last.next });
  if (!range) return;
  const text = await textBetween(lines, range.from, range.to);
  if (text === undefined) return showBanner("These lines are more than can be copied at once. Save the file instead.");
  await navigator.clipboard.writeText(text);
  const count = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  const note = count === 1 ? "Copied one line." : `Copied ${count} lines.`;
  announce(note);
  showBanner(note);
  setTimeout(() => showBanner(""), NOTE_MS);
}
