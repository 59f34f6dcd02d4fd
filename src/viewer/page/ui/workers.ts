/**
 * The workers of the page.
 * @module
 */

/** The file names of the workers. The build replaces them. */
declare const WORKER: string;
declare const MARKDOWN: string;

interface Policy {
  createScriptURL(given: string): unknown;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(given: string): string }): Policy;
}

/** The addresses of the workers. The policy for Trusted Types allows no others. */
const ADDRESSES = {
  follow: new URL(WORKER, import.meta.url).href,
  markdown: new URL(MARKDOWN, import.meta.url).href,
};

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };

const policy = trustedTypes?.createPolicy("httpfstream", {
  createScriptURL(given) {
    if (Object.values(ADDRESSES).includes(given)) return given;
    throw new TypeError(given);
  },
});

/** Starts a worker: `follow` also searches by regular expressions, `markdown` reads Markdown. */
export function startWorker(name: keyof typeof ADDRESSES): Worker {
  const url = ADDRESSES[name];
  const trusted = policy?.createScriptURL(url) ?? url;
  // The types of the DOM accept only strings here.
  return new Worker(trusted as string, { type: "module" });
}
