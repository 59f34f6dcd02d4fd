/**
 * The workers of the page.
 * @module
 */

/** The file names of the workers, which the build knows. */
declare const WORKER: string;
declare const MARKDOWN: string;

interface Policy {
  createScriptURL(given: string): unknown;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(given: string): string }): Policy;
}

/** The addresses of the workers: the only scripts that this page passes on. */
const ADDRESSES = {
  follow: new URL(WORKER, import.meta.url).href,
  markdown: new URL(MARKDOWN, import.meta.url).href,
};

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };

const policy = trustedTypes?.createPolicy("httpfstream", {
  createScriptURL(given) {
    if (Object.values(ADDRESSES).includes(given)) return given;
    throw new TypeError(`"${given}" is no worker.`);
  },
});

/** Starts a worker. */
export function startWorker(name: keyof typeof ADDRESSES): Worker {
  const url = ADDRESSES[name];
  const trusted = policy?.createScriptURL(url) ?? url;
  // The types of the library know only addresses as text.
  return new Worker(trusted as string, { type: "module" });
}
