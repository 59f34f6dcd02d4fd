/**
 * What an operator can do about a refusal, in the words of the program that serves the app.
 * @module
 */

/** How the operator can let a client in: what the program that serves it has for that. */
export interface Remedies {
  /** For an origin that may do nothing here. */
  origin(origin: string): string;
  /** For a name that is not the server's. */
  host(name: string): string;
}

/** The standalone server has flags. */
export const FLAGS: Remedies = {
  origin: (origin) => `with "--origin ${origin}"`,
  host: (name) => `with "--host ${name}"`,
};

/** An app has options. */
export const OPTIONS: Remedies = {
  origin: () => 'with the option "origins" of fstream()',
  host: () => 'with the option "hosts" of fstream()',
};
