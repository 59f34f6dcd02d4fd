/**
 * The preferences of the reader, kept in the browser. Where it blocks storage, they last until the page is left.
 * @module
 */

const KEY = "httpfstream.viewer";

/** The preferences. */
export interface Preferences {
  wraps: boolean;
  /** Whether rows show when they arrived. */
  times: boolean;
  theme: "auto" | "light" | "dark";
  /** Whether single keys are commands. */
  keys: boolean;
}

/** Reads the preferences. */
export function preferences(): Preferences {
  const chosen: Preferences = { wraps: true, times: false, theme: "auto", keys: true };
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof kept === "object" ? { ...chosen, ...kept } : chosen;
  } catch {
    return chosen;
  }
}

/** Keeps the preferences. */
export function keepPreferences(chosen: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // The browser blocks storage.
  }
}
