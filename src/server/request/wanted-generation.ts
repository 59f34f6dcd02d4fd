/**
 * Which content a request asks for.
 * @module
 */
import type { Context } from "hono";

/** The generation that a request names, whatever it wants. */
export function wantedGeneration(c: Context): string | undefined {
  return c.req.query("generation");
}
