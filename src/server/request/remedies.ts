/**
 * What an operator can do about a refusal, in terms of the program that serves the app.
 * @module
 */

/** How the operator can allow a client, with the means of the program that serves the app. */
export interface Remedies {
  /** For an origin that is not allowed. */
  origin(origin: string): string;
  /** For a host name that does not belong to the server. */
  host(name: string): string;
}

/** Flags of the standalone server. */
export const FLAGS: Remedies = {
  origin: (origin) => `with "--origin ${origin}"`,
  host: (name) => `with "--host ${name}"`,
};

/** Options of an app. */
export const OPTIONS: Remedies = {
  origin: () => 'with the option "origins" of fstream()',
  host: () => 'with the option "hosts" of fstream()',
};
