/**
 * What the reader has chosen, kept in the browser. Where it blocks storage, the choice lasts until the page is left.
 * @module
 */

const KEY = "httpfstream.viewer";

/** The choices. */
export interface Preferences {
  wraps: boolean;
  /** Whether rows show when they arrived. */
  times: boolean;
  theme: "auto" | "light" | "dark";
  /** Whether single keys do something. */
  keys: boolean;
}

/** Reads the choices. */
export function preferences(): Preferences {
  const chosen: Preferences = { wraps: true, times: false, theme: "auto", keys: true };
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof kept === "object" ? { ...chosen, ...kept } : chosen;
  } catch {
    return chosen;
  }
}

/** Keeps the choices. */
export function keepPreferences(chosen: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // See above.
  }
}
