/**
 * The columns of the table: what a client presents, and what becomes of its request.
 * @module
 */
import type { JWTPayload } from "jose";
import { ACTIONS, type Action } from "../../../src/server/gate/gate.ts";
import { inSeconds, sign, signer } from "../../auth/tokens.ts";
import { allowing, signed } from "./target.ts";

/**
 * What becomes of a request. `anonymous`: 401 without an error. `invalid`: 401 that says what is wrong with the token.
 * `forbidden`: 403. `malformed`: 400. `allowed`: what its row says.
 */
export type Outcome = "anonymous" | "invalid" | "forbidden" | "malformed" | "allowed";

/** What a request carries, as header and as query. */
export interface Presented {
  readonly authorization?: string;
  readonly query?: string;
}

/** A column of the table. */
export interface Column {
  readonly outcome: Outcome;
  /** What a request presents that takes an action on a path, which has a leading slash. */
  readonly present: (action: Action, path: string) => Promise<Presented>;
}

const header = (token: string): Presented => ({ authorization: `Bearer ${token}` });
const query = (token: string): Presented => ({ query: `access_token=${token}` });

/** A column for each way to send a token. */
function tokens(
  what: string,
  outcome: Outcome,
  token: (action: Action, path: string) => Promise<string>,
): Record<string, Column> {
  return {
    [`${what}, in the header`]: { outcome, present: async (action, path) => header(await token(action, path)) },
    [`${what}, in the query`]: { outcome, present: async (action, path) => query(await token(action, path)) },
  };
}

/** A column that presents the same to every request. */
function always(outcome: Outcome, presented: Presented): Column {
  return { outcome, present: async () => presented };
}

const everything = (claims: JWTPayload = {}): JWTPayload => ({
  httpfstream: Object.fromEntries(ACTIONS.map((action) => [action, ["/**"]])),
  ...claims,
});

const STRANGER = signer("HS256");
const PAIR = signer("EdDSA");
const UNSIGNED = [{ alg: "none" }, everything()].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/** All columns, by what they present. */
export const COLUMNS: Readonly<Record<string, Column>> = {
  "no token": always("anonymous", {}),
  "a password": always("anonymous", { authorization: `Basic ${Buffer.from("ada:lovelace").toString("base64")}` }),
  "an empty token": always("invalid", { authorization: "Bearer" }),
  "an empty token in the query": always("invalid", { query: "access_token=" }),
  "what is no token": always("invalid", header("open-sesame")),
  "a token without a signature": always("invalid", header(`${UNSIGNED.join(".")}.`)),
  ...tokens("another key", "invalid", async () => await sign(await STRANGER, everything())),
  ...tokens("another algorithm", "invalid", async () => await sign(await PAIR, everything())),
  ...tokens("an expired token", "invalid", async () => await signed(everything({ exp: inSeconds(-60) }))),
  ...tokens("a token of the future", "invalid", async () => await signed(everything({ nbf: inSeconds(60) }))),
  ...tokens("a token for another audience", "invalid", async () => await signed(everything({ aud: "elsewhere" }))),
  ...tokens("a token that allows nothing", "forbidden", async () => await signed({})),
  ...tokens(
    "another path",
    "forbidden",
    async (action, path) => await allowing([action], [`${path}.old`, "/other/**"]),
  ),
  ...tokens("all other actions", "forbidden", async (action) => {
    return await allowing(
      ACTIONS.filter((other) => other !== action),
      ["/**"],
    );
  }),
  "only the folder above": {
    outcome: "forbidden",
    present: async (action, path) => header(await allowing([action], [parentOf(path)])),
  },
  "only what is below": {
    outcome: "forbidden",
    present: async (action, path) => header(await allowing([action], [`${path}/*`])),
  },
  "a star for two segments": {
    outcome: "forbidden",
    present: async (action) => header(await allowing([action], ["/*"])),
  },
  "two tokens": {
    outcome: "malformed",
    present: async (action, path) => ({
      ...header(await allowing([action], [path])),
      ...query(await allowing([action], ["/**"])),
    }),
  },
  ...tokens("the right token", "allowed", async (action, path) => await allowing([action], [path])),
  "the right token twice, in small letters": {
    outcome: "allowed",
    present: async (action, path) => {
      const token = await allowing([action], [`${parentOf(path)}/*`]);
      return { authorization: `bearer ${token}`, ...query(token) };
    },
  },
  "a token for the whole folder": {
    outcome: "allowed",
    present: async (action, path) => header(await allowing([action], ["/none", `${parentOf(path)}/**`])),
  },
};
