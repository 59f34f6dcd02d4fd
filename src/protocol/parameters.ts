/**
 * The query parameters of the protocol.
 * @module
 */

/** The parameters that say where a follow or an append starts, and whether it stays. A client sets them itself. */
export const START_PARAMETERS = ["offset", "tail", "session", "generation", "stay"] as const;

/** All parameters of the protocol, including those that only newer servers understand. */
export const PROTOCOL_PARAMETERS: readonly string[] = ["verb", ...START_PARAMETERS, "raw", "live", "cursor"];

/** Parameters that only programs send: a request with one of them never gets the page for browsers. */
export const PROGRAM_PARAMETERS: readonly string[] = [...PROTOCOL_PARAMETERS, "lines", "search"];

/** The parameter with a token, for browsers, which can't send headers with a WebSocket or a link. */
export const TOKEN_PARAMETER = "access_token";
