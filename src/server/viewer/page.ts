/**
 * The viewer: the page that a browser's window gets in place of bytes, and its assets.
 *
 * The page is the same for every path, apart from the address of its assets, so that it tells nothing of any path. Its
 * script asks for the bytes.
 * @module
 */
import type { Context } from "hono";
import { html } from "hono/html";
import { RESERVED_SEGMENT } from "../../protocol/path.ts";
import { NAVIGATION_HEADERS } from "../gate/navigation.ts";

/** The folder below the mount from which the server sends the assets. No resource can have this name. */
export const ASSETS_SEGMENT: string = RESERVED_SEGMENT;

/** What the page and its worker may do: run this server's own scripts, and ask this server. */
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

/** What stands in the page in place of its marks; nothing for the others. */
export type PageParts = Partial<Readonly<Record<"NAME" | "IF-FOLDER" | "IF-FILE" | "ROWS" | "NEXT", string>>>;

/**
 * The page as HTML.
 *
 * @param base The encoded URL path of the mount, without a trailing slash.
 * @param parts What stands in it, as HTML.
 */
export async function pageFor(c: Context, base: string, parts: PageParts): Promise<string> {
  const { PAGE } = await import("../../viewer/assets.ts");
  const all: Readonly<Record<string, string | undefined>> = { ...parts, ASSETS: String(html`${assetsFrom(c, base)}`) };
  return PAGE.replace(/%([A-Z-]+)%/g, (_, name: string) => all[name] ?? "");
}

/** Where the page is shown. */
export interface PagePlace {
  /** The status of the response; 200 if the path can be read. */
  readonly status: number;
  /** The encoded URL path of the mount, without a trailing slash. */
  readonly base: string;
  /** Whether request headers decided that the client gets the page. */
  readonly varies: boolean;
}

/**
 * The page as a response. A browser that has it gets 304.
 *
 * @param headers Further headers, such as those of a refusal.
 */
export async function viewerPage(
  c: Context,
  { status, base, varies }: PagePlace,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const { BUILD } = await import("../../viewer/assets.ts");
  const tag = `"viewer-${BUILD}"`;
  const isStored = status === 200 && c.req.header("If-None-Match")?.includes(tag) === true;
  const page = await pageFor(c, base, { "IF-FILE": " hidden", NAME: "httpfstream" });
  const sent = new Headers({
    ...PAGE_HEADERS,
    "Content-Type": "text/html; charset=utf-8",
    // Other statuses end as soon as the path can be read.
    "Cache-Control": status === 200 ? "private, no-cache" : "no-store",
    ...(status === 200 && { ETag: tag }),
    ...(varies && { Vary: NAVIGATION_HEADERS }),
    ...headers,
  });
  if (isStored) return new Response(null, { status: 304, headers: sent });
  return new Response(c.req.method === "HEAD" ? null : page, { status, headers: sent });
}

/**
 * Returns an asset by its name, compressed if the client takes that; undefined if there is none.
 */
export async function viewerAsset(c: Context, name: string): Promise<Response | undefined> {
  const { ASSETS } = await import("../../viewer/assets.ts");
  const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
  if (!asset) return undefined;
  const isCompressed = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(c.req.header("Accept-Encoding") ?? "");
  const headers = new Headers({
    ...PAGE_HEADERS,
    "Content-Type": asset.type,
    // Another build has another name.
    "Cache-Control": "public, max-age=31536000, immutable",
    Vary: "Accept-Encoding",
    ...(isCompressed && { "Content-Encoding": "gzip" }),
  });
  if (c.req.method === "HEAD") return new Response(null, { headers });
  const bytes = Uint8Array.from(atob(asset.gzip), (character) => character.charCodeAt(0));
  const body = isCompressed ? bytes : await inflated(bytes);
  return new Response(body, { headers });
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).arrayBuffer();
}

/** The address of the assets relative to the page: a proxy may serve both at another path. */
function assetsFrom(c: Context, base: string): string {
  const path = c.req.url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "");
  const below = path.slice(base.length);
  // A mount or a scope may have a name with a colon, which would read as the scheme of another address.
  if (below === "") return `./${base.slice(base.lastIndexOf("/") + 1)}/${ASSETS_SEGMENT}/`;
  return `${"../".repeat(below.split("/").length - 2)}${ASSETS_SEGMENT}/`;
}
