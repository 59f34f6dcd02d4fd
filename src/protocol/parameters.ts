/**
 * The query parameters of the protocol.
 * @module
 */

/** The parameters that say where a follow or an append starts, and whether it stays. A client sets them itself. */
export const START_PARAMETERS = ["offset", "tail", "session", "generation", "stay"] as const;

/** All parameters of the protocol, including those that only newer servers understand. */
export const PROTOCOL_PARAMETERS: readonly string[] = ["verb", ...START_PARAMETERS, "raw", "live", "cursor"];
