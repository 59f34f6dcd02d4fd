/**
 * Detects the platform that a request came in through. Each platform is loaded at its first request, because Hono's
 * helpers for Deno and Bun throw when imported elsewhere.
 * @module
 */
import type { Context } from "hono";
import type { Platform } from "../server/platform/platform.ts";

/** Cached, because even a repeated import goes through the module loader, which is too slow per request. */
let node: Promise<Platform> | undefined;
let native: Promise<Platform> | undefined;

/** The platform of a request. The node stack runs on all three runtimes, so the request decides, not the runtime. */
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
