/**
 * What is at the address: a path, a folder, nothing yet, or a refusal.
 * @module
 */
import type { Source } from "./bytes/source.ts";
import { byId, inputById, make } from "./ui/dom.ts";

/** What the server says about the address. */
export type Found =
  | { readonly kind: "file"; readonly size: number; readonly headers: Headers }
  | { readonly kind: "folder" }
  | { readonly kind: "missing" }
  | { readonly kind: "refused"; readonly message: string };

/** Asks the server what is at the address, and the reader for a token if it needs one. */
export async function find(source: Source): Promise<Found> {
  const asked = { method: "HEAD", headers: { Accept: "application/json" } };
  const response = await source.request(source.with({ raw: "" }), asked).catch(() => undefined);
  if (!response) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return find(source);
  }
  const { status, headers } = response;
  if (status === 401 && /^bearer\b/i.test(headers.get("WWW-Authenticate") ?? "")) {
    await askForToken(source, await reasonOf(source));
    return find(source);
  }
  if (status === 404) return { kind: "missing" };
  if (!response.ok) return { kind: "refused", message: await reasonOf(source) };
  const size = headers.get("Stream-Next-Offset");
  return size === null ? { kind: "folder" } : { kind: "file", size: Number(size), headers };
}

/** Asks the reader for a token. */
export async function askForToken(source: Source, reason: string): Promise<void> {
  const hasToken = source.token !== undefined;
  source.keepToken(undefined);
  byId("pane").hidden = true;
  const form = byId("token");
  form.hidden = false;
  byId("token-reason").textContent = hasToken ? reason : "This page needs a token.";
  const input = inputById("token-input");
  input.value = "";
  input.focus();
  await new Promise<void>((resolve) => {
    form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        source.keepToken(input.value.trim());
        resolve();
      },
      { once: true },
    );
  });
  form.hidden = true;
  byId("pane").hidden = false;
}

/** Shows why the server refuses the address. */
export function showRefusal(source: Source, message: string): void {
  byId("pane").hidden = true;
  const other = make("button", "Use another token", { type: "button", hidden: source.token === undefined });
  other.addEventListener("click", () => {
    source.keepToken(undefined);
    location.reload();
  });
  byId("banner").replaceChildren(message, " ", other);
  byId("banner").hidden = false;
}

/** The sentence of a refusal, which has no body in an answer to HEAD. */
async function reasonOf(source: Source): Promise<string> {
  const headers = { Accept: "application/json", Range: "bytes=0-0" };
  const response = await source.request(source.with({ raw: "" }), { headers }).catch(() => undefined);
  return (await response?.text()) ?? "The server can't be reached.";
}
