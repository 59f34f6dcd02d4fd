/**
 * Which generation of a path's content a request asks for.
 * @module
 */
import type { Context } from "hono";

/** The generation that a request of any kind names; `undefined` if it names none. */
export function wantedGeneration(c: Context): string | undefined {
  return c.req.query("generation");
}
