/**
 * What the server has at the address, and the form for a token.
 * @module
 */
import { Refused, type Source } from "./bytes/source.ts";
import { byId, inputById, showBanner } from "./ui/dom.ts";

/** What the server has at the address. */
export type Found =
  | { readonly kind: "file"; readonly size: number; readonly headers: Headers }
  | { readonly kind: "folder" }
  | { readonly kind: "missing" }
  | { readonly kind: "refused"; readonly message: string };

/** Asks the server what is at the address. If that needs a token, asks the reader for one. */
export async function find(source: Source): Promise<Found> {
  const init = { method: "HEAD", headers: { Accept: "application/json" } };
  const response = await source.requestWithRetries(source.with({ raw: "" }), init);
  const { status, headers } = response;
  if (status === 401 && /^bearer\b/i.test(headers.get("WWW-Authenticate") ?? "")) {
    await askForToken(source, await reasonOf(source));
    return find(source);
  }
  // A folder that does not exist can't be created by waiting for its first byte.
  if (status === 404) return { kind: source.url.pathname.endsWith("/") ? "folder" : "missing" };
  if (!response.ok) return { kind: "refused", message: await reasonOf(source) };
  const size = headers.get("Stream-Next-Offset");
  return size === null ? { kind: "folder" } : { kind: "file", size: Number(size), headers };
}

let answer: Promise<void> | undefined;

/**
 * Asks the reader for a token. Resolves once the source has it.
 *
 * @param reason Why the present token, if there is one, was refused.
 */
export function askForToken(source: Source, reason: string): Promise<void> {
  answer ??= showTokenForm(source, reason).finally(() => {
    answer = undefined;
  });
  return answer;
}

async function showTokenForm(source: Source, reason: string): Promise<void> {
  const hadToken = source.token !== undefined;
  source.keepToken(undefined);
  const covered = ["pane", "document", "folder"].map(byId).filter(({ hidden }) => !hidden);
  for (const view of covered) view.hidden = true;
  const form = byId("token");
  form.hidden = false;
  byId("token-reason").textContent = hadToken ? reason : "This page needs a token.";
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
  for (const view of covered) view.hidden = false;
}

/** Shows why the server refuses the address. */
export function showRefusal(source: Source, message: string): void {
  byId("pane").hidden = true;
  const run = (): void => {
    source.keepToken(undefined);
    location.reload();
  };
  showBanner(message, source.token === undefined ? undefined : { label: "Use another token", run });
}

/** The sentence of a refusal. The response to a HEAD does not have it. */
async function reasonOf(source: Source): Promise<string> {
  const headers = { Accept: "application/json", Range: "bytes=0-0" };
  const { message } = await Refused.from(await source.requestWithRetries(source.with({ raw: "" }), { headers }));
  return message;
}
