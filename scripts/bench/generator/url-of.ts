/**
 * Derives the URLs of many connections from a template.
 * @module
 */

const NUMBER = "{n}";

/** Whether each connection has its own URL. */
export function isTemplate(url: string): boolean {
  return url.includes(NUMBER);
}

/** Returns the URL of a connection by its number. `ws` becomes `http`, which is the same for a plain socket. */
export function urlOf(template: string, number: number): URL {
  return new URL(template.replaceAll(NUMBER, String(number)).replace(/^ws/, "http"));
}
