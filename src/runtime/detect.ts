/**
 * Which platform a request came in through. Each is loaded when the first request needs it: Hono's helpers for Deno
 * and Bun throw where they are imported elsewhere.
 * @module
 */
import type { Context } from "hono";
import type { Platform } from "../faces/platform.ts";

/** The platform of a request. The node stack runs on all three runtimes, so the request tells, not the runtime. */
export async function detectPlatform(c: Context): Promise<Platform> {
  if (isFromNode(c.env)) return (await import("./node.ts")).platform;
  if ("Deno" in globalThis) return (await import("./deno.ts")).platform;
  if ("Bun" in globalThis) return (await import("./bun.ts")).platform;
  return (await import("./other.ts")).platform;
}

function isFromNode(env: unknown): boolean {
  return typeof env === "object" && env !== null && "incoming" in env;
}
