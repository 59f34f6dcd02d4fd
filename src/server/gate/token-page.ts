/**
 * The page for a browser that may not see a path yet: its script asks with the token that it keeps for the tab.
 * @module
 */
import { PAGE_STYLE } from "./page-style.ts";
import { TOKEN_PAGE_SCRIPT } from "./token-page-script.ts";

const STYLE = `${PAGE_STYLE}p { overflow-wrap: anywhere }
pre { font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
input, button { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--faint); border-radius: .3rem; padding: .35rem .7rem; margin: .25rem .25rem .25rem 0; max-width: 100%; box-sizing: border-box }
input { width: 24rem }
button { cursor: pointer }
td:last-child, .live { color: var(--faint) }
`;

/** The same for every path, so that it reveals nothing about any of them. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Token needed</title>
<style>${STYLE}</style>
</head>
<body>
<main><noscript><p>This needs a token, and JavaScript to send it. Programs send it as "Authorization: Bearer …".</p></noscript></main>
<script type="module">${TOKEN_PAGE_SCRIPT}</script>
</body>
</html>
`;

let policy: Promise<string> | undefined;

/**
 * The page as a response.
 *
 * @param c.method `HEAD` for the headers alone.
 * @param vary The request headers that decide whether a client gets it.
 */
export async function tokenPage(
  { status, method, vary }: { status: 200 | 401; method: string; vary: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  policy ??= contentPolicy();
  return new Response(method === "HEAD" ? null : PAGE, {
    status,
    headers: new Headers({
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-store",
      "Content-Security-Policy": await policy,
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      Vary: vary,
      ...headers,
    }),
  });
}

/** Allows this script and this style alone, and requests to this server. */
async function contentPolicy(): Promise<string> {
  const [script, style] = await Promise.all([digest(TOKEN_PAGE_SCRIPT), digest(STYLE)]);
  return [
    ...["default-src 'none'", `script-src '${script}'`, `style-src '${style}'`, "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"],
  ].join("; ");
}

async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `sha256-${btoa(String.fromCharCode(...hash))}`;
}
