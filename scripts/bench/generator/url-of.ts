/**
 * The URLs of many connections from one.
 * @module
 */

/** The URL of a connection by its number; `ws` and `http` are the same to a plain socket. */
export function urlOf(template: string, number: number): URL {
  return new URL(template.replaceAll("{n}", String(number)).replace(/^ws/, "http"));
}
