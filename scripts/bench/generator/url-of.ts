/**
 * The URLs of many connections from one.
 * @module
 */

const NUMBER = "{n}";

/** Whether each connection has a URL of its own. */
export function isTemplate(url: string): boolean {
  return url.includes(NUMBER);
}

/** The URL of a connection by its number; `ws` and `http` are the same to a plain socket. */
export function urlOf(template: string, number: number): URL {
  return new URL(template.replaceAll(NUMBER, String(number)).replace(/^ws/, "http"));
}
