/**
 * Which platform a request came in through. Each is loaded when the first request needs it: Hono's helpers for Deno
 * and Bun throw where they are imported elsewhere.
 * @module
 */
import type { Context } from "hono";
import type { Platform } from "../server/platform/platform.ts";

/** Importing what is there already still takes a walk through the module loader: too much for every request. */
let node: Promise<Platform> | undefined;
let native: Promise<Platform> | undefined;

/** The platform of a request. The node stack runs on all three runtimes, so the request tells, not the runtime. */
export function detectPlatform(c: Context): Promise<Platform> {
  if (isFromNode(c.env)) {
    node ??= import("./node/mod.ts").then(({ platform }) => platform);
    return node;
  }
  native ??= importNative().then(({ platform }) => platform);
  return native;
}

function importNative(): Promise<{ platform: Platform }> {
  if ("Deno" in globalThis) return import("./deno.ts");
  if ("Bun" in globalThis) return import("./bun/mod.ts");
  return import("./other.ts");
}

function isFromNode(env: unknown): boolean {
  return typeof env === "object" && env !== null && "incoming" in env;
}
