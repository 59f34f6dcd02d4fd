/**
 * Where a text is in a row.
 * @module
 */

/** Most places in one row: a row can have a megabyte of text. */
const MAX_RANGES = 10_000;

/** The places of a text in a row, without regard to case. */
export function rangesIn(row: Element, text: string): Range[] {
  const wanted = text.toLowerCase();
  const all = (row.textContent ?? "").toLowerCase();
  const ranges: Range[] = [];
  const nodes = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  let node = nodes.nextNode();
  /** Where the node begins. */
  let begin = 0;
  const move = (to: number): Node | null => {
    for (; node && begin + (node.nodeValue?.length ?? 0) < to; node = nodes.nextNode()) {
      begin += node.nodeValue?.length ?? 0;
    }
    return node;
  };
  for (let at = all.indexOf(wanted); at !== -1 && ranges.length < MAX_RANGES; at = all.indexOf(wanted, at)) {
    const range = document.createRange();
    const first = move(at + 1);
    if (!first) break;
    range.setStart(first, at - begin);
    at += wanted.length;
    const last = move(at);
    if (!last) break;
    range.setEnd(last, at - begin);
    ranges.push(range);
  }
  return ranges;
}
