/**
 * What the page shows, and how it asks the server for it.
 * @module
 */

/** Parameters that the page sets itself, or that are only for the page. */
const OWN = [
  "view",
  "raw",
  "offset",
  "tail",
  "verb",
  "session",
  "generation",
  "stay",
  "live",
  "cursor",
  "lines",
  "search",
];

/** The query parameter with a token. */
export const TOKEN_PARAMETER = "access_token";

const TOKEN_KEY = "httpfstream.token";

/** Milliseconds between two attempts to send a request. */
const RETRY_MS = 1_000;

/** The content of the path is another one, so that its offsets mean something else. */
export class Replaced extends Error {}

/** The server has refused a request. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The path of the page. */
export class Source {
  /** The address without the token and without the parameters of the protocol. */
  readonly url: URL;
  /** The generation of the content; undefined for any. */
  generation: string | undefined;
  #token: string | undefined;
  /** Whether something before the server drops ranges or answers them itself, as the cache of nginx does. */
  #dropsRanges = false;

  constructor(address: string) {
    this.url = new URL(address);
    this.url.hash = "";
    const given = this.url.searchParams.get(TOKEN_PARAMETER);
    for (const name of [...OWN, TOKEN_PARAMETER]) this.url.searchParams.delete(name);
    if (given !== null) this.keepToken(given);
    else this.#token = stored();
  }

  get token(): string | undefined {
    return this.#token;
  }

  /** The name to show. */
  get name(): string {
    const { pathname } = this.url;
    try {
      return decodeURIComponent(pathname);
    } catch {
      return pathname;
    }
  }

  /** Keeps a token for the tab; undefined forgets it. */
  keepToken(token: string | undefined): void {
    this.#token = token;
    try {
      if (token === undefined) sessionStorage.removeItem(TOKEN_KEY);
      else sessionStorage.setItem(TOKEN_KEY, token);
    } catch {
      // The browser blocks storage, so the token lasts until the page is left.
    }
  }

  /** The address with parameters of the protocol. */
  with(parameters: Readonly<Record<string, string>>): URL {
    const url = new URL(this.url);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url;
  }

  /** Sends a request. */
  async request(url: URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("Authorization", `Bearer ${this.#token}`);
    return await fetch(url, { cache: "no-store", ...init, headers });
  }

  /**
   * Reads a range of the bytes. Tries again for as long as the server can't be reached.
   *
   * @throws {Replaced} if the content is another one.
   * @throws {Refused} if the server refuses the request.
   */
  async read(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      const dropsRanges = this.#dropsRanges;
      const response = await this.#ask(from, to, signal).catch(() => undefined);
      signal?.throwIfAborted();
      if (response && (response.status === 206 || beginsAt(response, from))) {
        const bytes = await beginning(response, to - from).catch(() => undefined);
        if (bytes?.length === to - from) return bytes;
        // The copy of a cache may be too short.
        this.#dropsRanges ||= bytes !== undefined;
      } else if (response && response.status < 500 && response.status !== 429) {
        await response.body?.cancel();
        if (dropsRanges || !this.#comesFromCache(response)) throw refusalOf(response);
        this.#dropsRanges = true;
        continue;
      }
      await reachable();
    }
  }

  async #ask(from: number, to: number, signal?: AbortSignal): Promise<Response> {
    const { generation } = this;
    const asked = { raw: "", ...(generation !== undefined && { generation }) };
    const init = signal ? { signal } : {};
    if (this.#dropsRanges) return this.request(this.with({ ...asked, offset: String(from) }), init);
    return this.request(this.with(asked), { ...init, headers: { Range: `bytes=${from}-${to - 1}` } });
  }

  /** Whether a response to a range may be that of a cache: all bytes of the content, or a refusal for a copy that is too old. */
  #comesFromCache({ status, headers }: Response): boolean {
    return status === 416 || (status === 200 && headers.get("Stream-Generation") === (this.generation ?? null));
  }
}

function refusalOf({ status }: Response): Error {
  if ([200, 404, 410, 412, 416].includes(status)) return new Replaced();
  return new Refused(status, `The server answers ${status}.`);
}

/** Whether a response has everything from an offset on. */
function beginsAt({ status, headers }: Response, offset: number): boolean {
  const start = headers.get("Stream-Start-Offset");
  return status === 200 && start !== null && Number(start) === offset;
}

/** The first bytes of a response. */
async function beginning(response: Response, length: number): Promise<Uint8Array> {
  if (response.status === 206) return new Uint8Array(await response.arrayBuffer());
  const bytes = new Uint8Array(length);
  const reader = response.body?.getReader();
  let at = 0;
  while (reader && at < length) {
    const { done, value } = await reader.read();
    if (done) break;
    const part = value.subarray(0, length - at);
    bytes.set(part, at);
    at += part.length;
  }
  await reader?.cancel();
  return bytes.subarray(0, at);
}

/** Waits a little, or until the browser is online again. */
async function reachable(): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      removeEventListener("online", done);
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, RETRY_MS);
    addEventListener("online", done);
  });
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
