/**
 * Links to lines and bytes: `#L120`, `#L120-L140@9210-11702`, `#@9210`. Bytes stay exact for ever, because a path only grows.
 * @module
 */

/** The parts of a link in the hash of an address. */
export interface Link {
  /** The numbers of the first and the last line. */
  readonly lines: readonly [number, number] | undefined;
  /** The offset of the first byte, and the offset just past the last line; equal for a single place. */
  readonly bytes: readonly [number, number] | undefined;
  /** A text to search for. */
  readonly query: string | undefined;
  /** The kind of view; undefined for the default. */
  readonly view?: string | undefined;
}

const LINES = /^L(\d{1,15})(?:-L?(\d{1,15}))?/;
const BYTES = /@(\d{1,16})(?:-(\d{1,16}))?$/;

/** Parses the hash of an address. */
export function parseLink(hash: string): Link {
  const [place = "", ...rest] = hash.replace(/^#/, "").split("&");
  const query = rest.find((part) => part.startsWith("q="))?.slice(2);
  const view = rest.find((part) => part.startsWith("as="))?.slice(3);
  const [, first, last] = LINES.exec(place) ?? [];
  const [, from, to] = BYTES.exec(place) ?? [];
  return {
    lines: first === undefined ? undefined : ordered(Math.max(1, Number(first)), Number(last ?? first)),
    bytes: from === undefined ? undefined : ordered(Number(from), Number(to ?? from)),
    query: query === undefined ? undefined : decoded(query),
    view,
  };
}

/** Formats a link. */
export function formatLink({ lines, bytes, query, view }: Link): string {
  const [first, last] = lines ?? [];
  const [from, to] = bytes ?? [];
  const named = first === undefined ? "" : first === last ? `L${first}` : `L${first}-L${last}`;
  const exact = from === undefined ? "" : from === to ? `@${from}` : `@${from}-${to}`;
  const search = query === undefined || query === "" ? "" : `&q=${encodeURIComponent(query)}`;
  return `#${named}${exact}${search}${view === undefined ? "" : `&as=${view}`}`;
}

function ordered(one: number, other: number): readonly [number, number] {
  return one <= other ? [one, other] : [other, one];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
