/**
 * Hints for refusals: the flag of the command, or the option of the app, that allows the client.
 * @module
 */

/** The settings with which the operator allows a client. */
export interface RefusalHints {
  /** For an origin that is not allowed. */
  origin(origin: string): string;
  /** For a host name that does not belong to the server. */
  host(name: string): string;
  /** For a resource that may not be removed. */
  readonly deletes: string;
}

/** Flags of the standalone server. */
export const FLAG_HINTS: RefusalHints = {
  origin: (origin) => `with "--origin ${origin}"`,
  host: (name) => `with "--host ${name}"`,
  deletes: 'with "--deletes all"',
};

/** Options of an app. */
export const OPTION_HINTS: RefusalHints = {
  origin: () => 'with the option "origins" of fstream()',
  host: () => 'with the option "hosts" of fstream()',
  deletes: 'with the option "deletes" of fstream()',
};
