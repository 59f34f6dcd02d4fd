/**
 * Starts the workers of the page.
 * @module
 */

/** The file name of the worker, which the build knows. */
declare const WORKER: string;

/** The address of the worker as the browser wants it. A policy can be made only once. */
let trusted: unknown;

/** Starts a worker: the one script whose address this page passes on. */
export function startWorker(): Worker {
  const url = new URL(WORKER, import.meta.url).href;
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  trusted ??= trustedTypes
    ?.createPolicy("httpfstream", {
      createScriptURL(given) {
        if (given === url) return given;
        throw new TypeError(`"${given}" is not the worker.`);
      },
    })
    .createScriptURL(url);
  // The types of the library know only addresses as text.
  return new Worker((trusted ?? url) as string, { type: "module" });
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(given: string): string },
  ): { createScriptURL(given: string): unknown };
}
