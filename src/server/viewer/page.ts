/**
 * The viewer: the page that a browser gets in place of the bytes, and its assets.
 *
 * The page is the same for all paths, except for the address of its assets, so it reveals nothing about a path. Its script
 * requests the bytes.
 * @module
 */
import type { Context } from "hono";
import { html } from "hono/html";
import { RESERVED_SEGMENT } from "../../protocol/path.ts";
import { NAVIGATION_HEADERS } from "../gate/navigation.ts";

/** The content policy of the page and its worker: scripts, styles and requests of this server alone. */
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "worker-src 'self'", "connect-src 'self'"],
  ...["img-src 'self' data: blob:", "media-src 'self' blob:", "require-trusted-types-for 'script'"],
  ...["trusted-types httpfstream", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'self'"],
].join("; ");

/** The headers of every page and asset. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": POLICY,
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** The HTML for the marks of the page. A mark that is left out is removed. */
export type PageParts = Partial<
  Readonly<Record<"TITLE" | "PATH" | "NAME" | "IF-FOLDER" | "IF-FILE" | "ROWS" | "NEXT", string>>
>;

/**
 * Renders the page.
 *
 * @param base The encoded URL path of the mount, without a trailing slash.
 */
export async function renderPage(c: Context, base: string, parts: PageParts): Promise<string> {
  const { PAGE } = await import("../../viewer/assets.ts");
  const all: Readonly<Record<string, string | undefined>> = {
    ...parts,
    ASSETS: String(html`${assetsAddress(c, base)}`),
  };
  return PAGE.replace(/%([A-Z-]+)%/g, (_, name: string) => all[name] ?? "");
}

/** How the page is sent. */
export interface PageResponse {
  /** The status of the response. Only a 200 has an entity tag. */
  readonly status: number;
  /** The encoded URL path of the mount, without a trailing slash. */
  readonly base: string;
  /** Whether the headers of the request decided that it gets the page. */
  readonly varies: boolean;
}

/**
 * Responds with the page, or with 304 to a browser that has it.
 *
 * @param headers Further headers, such as those of a refusal.
 */
export async function viewerPage(
  c: Context,
  { status, base, varies }: PageResponse,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const { BUILD } = await import("../../viewer/assets.ts");
  const tag = `"viewer-${BUILD}"`;
  const isStored = status === 200 && c.req.header("If-None-Match")?.includes(tag) === true;
  const page = await renderPage(c, base, { "IF-FILE": " hidden", TITLE: "httpfstream", NAME: "httpfstream" });
  const sent = new Headers({
    ...PAGE_HEADERS,
    "Content-Type": "text/html; charset=utf-8",
    // Once the path can be read, the status is another one.
    "Cache-Control": status === 200 ? "private, no-cache" : "no-store",
    ...(status === 200 && { ETag: tag }),
    ...(varies && { Vary: NAVIGATION_HEADERS }),
    ...headers,
  });
  if (isStored) return new Response(null, { status: 304, headers: sent });
  return new Response(c.req.method === "HEAD" ? null : page, { status, headers: sent });
}

/** Responds with an asset, compressed if the client accepts that; undefined if there is no such asset. */
export async function viewerAsset(c: Context, name: string): Promise<Response | undefined> {
  const { ASSETS } = await import("../../viewer/assets.ts");
  const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
  if (!asset) return undefined;
  const isCompressed = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(c.req.header("Accept-Encoding") ?? "");
  const headers = new Headers({
    ...PAGE_HEADERS,
    "Content-Type": asset.type,
    // The name contains a hash of the content.
    "Cache-Control": "public, max-age=31536000, immutable",
    Vary: "Accept-Encoding",
    ...(isCompressed && { "Content-Encoding": "gzip" }),
  });
  if (c.req.method === "HEAD") return new Response(null, { headers });
  const bytes = Uint8Array.from(atob(asset.gzip), (character) => character.charCodeAt(0));
  const body = isCompressed ? bytes : await decompress(bytes);
  return new Response(body, { headers });
}

async function decompress(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).arrayBuffer();
}

/** The address of the assets, relative to the page: behind a proxy, both may be at other paths. */
function assetsAddress(c: Context, base: string): string {
  const path = c.req.url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "");
  const below = path.slice(base.length);
  // A mount or a scope may have a name with a colon, which would read as the scheme of an address.
  if (below === "") return `./${base.slice(base.lastIndexOf("/") + 1)}/${RESERVED_SEGMENT}/`;
  return `${"../".repeat(below.split("/").length - 2)}${RESERVED_SEGMENT}/`;
}
