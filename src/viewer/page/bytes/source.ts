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
    const { generation } = this;
    const url = this.with({ raw: "", ...(generation !== undefined && { generation }) });
    const headers = { Range: `bytes=${from}-${to - 1}` };
    for (;;) {
      const response = await this.request(url, { headers, ...(signal && { signal }) }).catch(() => undefined);
      signal?.throwIfAborted();
      if (response?.status === 206) {
        const bytes = await response.arrayBuffer().catch(() => undefined);
        if (bytes?.byteLength === to - from) return new Uint8Array(bytes);
      } else if (response && response.status < 500 && response.status !== 429) {
        await response.body?.cancel();
        if ([200, 404, 410, 412, 416].includes(response.status)) throw new Replaced();
        throw new Refused(response.status, `The server answers ${response.status}.`);
      }
      await reachable();
    }
  }
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
