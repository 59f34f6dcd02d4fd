/**
 * The path of the page, and the requests for it.
 * @module
 */
import { PROGRAM_PARAMETERS, TOKEN_PARAMETER } from "../../../protocol/parameters.ts";

const TOKEN_KEY = "httpfstream.token";

/** Milliseconds between two attempts to send a request. */
const RETRY_MS = 1_000;

/** Statuses after which the same request may succeed soon. */
const TEMPORARY: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Statuses by which the server says that the path no longer has the content that the page shows. */
const OTHER_CONTENT: ReadonlySet<number> = new Set([200, 404, 410, 412, 416]);

/** The path has other content, or none, so the offsets of the page are void. */
export class Replaced extends Error {}

/** The server has refused a request. The message is the sentence of the server. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message || `The server answered ${status}.`);
    this.status = status;
  }

  /** Reads the sentence of a refusal. */
  static async from(response: Response): Promise<Refused> {
    return new Refused(response.status, await response.text().catch(() => ""));
  }
}

/** The path of the page. */
export class Source {
  /** The address without the token, the hash and the parameters of the protocol. */
  readonly url: URL;
  /** The decoded path below the mount, with a leading slash. */
  readonly name: string;
  /** The generation of the content that the page shows; undefined until the server has named one. */
  generation: string | undefined;
  #token: string | undefined;
  /** Whether a proxy drops ranges or answers them itself, as the cache of nginx does. Then `offset` takes their place. */
  #dropsRanges = false;

  /**
   * @param address The address of the page.
   * @param mount The URL path of the mount, with a trailing slash. Default: the root.
   */
  constructor(address: string, mount = "/") {
    this.url = new URL(address);
    this.url.hash = "";
    const given = this.url.searchParams.get(TOKEN_PARAMETER);
    for (const name of ["view", ...PROGRAM_PARAMETERS, TOKEN_PARAMETER]) this.url.searchParams.delete(name);
    if (given !== null) this.keepToken(given);
    else this.#token = storedToken();
    this.name = nameOf(this.url.pathname, mount);
  }

  /** The token that requests carry; undefined if none is known. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Keeps a token for this tab; undefined removes it. */
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

  /** Sends a request with the token. */
  async request(url: URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("Authorization", `Bearer ${this.#token}`);
    return await fetch(url, { cache: "no-store", ...init, headers });
  }

  /** Sends a request, and repeats it while the server can't be reached or is overloaded. */
  async requestWithRetries(url: URL, init: RequestInit = {}): Promise<Response> {
    for (;;) {
      const response = await this.request(url, init).catch(() => undefined);
      if (response && !TEMPORARY.has(response.status)) return response;
      if (response) await discard(response);
      await pause();
    }
  }

  /**
   * Reads a range of the bytes.
   *
   * @throws {Replaced} if the path has other content.
   * @throws {Refused} if the server refuses the request.
   */
  async read(from: number, to: number): Promise<Uint8Array> {
    for (;;) {
      const dropsRanges = this.#dropsRanges;
      const response = await this.#requestRange(from, to);
      if (response.status === 206 || beginsAt(response, from)) {
        const bytes = await firstBytes(response, to - from).catch(() => undefined);
        if (bytes?.length === to - from) return bytes;
        // The copy in a cache may be too short.
        this.#dropsRanges ||= bytes !== undefined;
        await pause();
      } else {
        if (dropsRanges || !this.#mayBeFromCache(response)) throw await failureOf(response);
        await discard(response);
        this.#dropsRanges = true;
      }
    }
  }

  async #requestRange(from: number, to: number): Promise<Response> {
    const { generation } = this;
    const parameters = { raw: "", ...(generation !== undefined && { generation }) };
    if (this.#dropsRanges) return this.requestWithRetries(this.with({ ...parameters, offset: String(from) }));
    return this.requestWithRetries(this.with(parameters), { headers: { Range: `bytes=${from}-${to - 1}` } });
  }

  /** Whether a cache may have answered: with all bytes of the content, or with a refusal because its copy is too old. */
  #mayBeFromCache({ status, headers }: Response): boolean {
    return status === 416 || (status === 200 && headers.get("Stream-Generation") === (this.generation ?? null));
  }

  /**
   * Reads all bytes into a blob, for elements and downloads: these can't send the token.
   *
   * @throws {Replaced} if the path is gone.
   * @throws {Refused} if the server refuses the request, or the connection breaks.
   */
  async blob(): Promise<Blob> {
    const response = await this.requestWithRetries(this.with({ raw: "" }));
    if (!response.ok) throw await failureOf(response);
    return await response.blob().catch(() => {
      throw new Refused(response.status, "The download broke off. Try again.");
    });
  }
}

/** Waits for a second, or until the browser is online again. */
export async function pause(): Promise<void> {
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

/** Ends a response that is not needed. Its connection may have broken meanwhile. */
export async function discard({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => {});
}

async function failureOf(response: Response): Promise<Error> {
  if (!OTHER_CONTENT.has(response.status)) return Refused.from(response);
  await discard(response);
  return new Replaced();
}

/** Whether a response has all bytes from an offset on. */
function beginsAt({ status, headers }: Response, offset: number): boolean {
  const start = headers.get("Stream-Start-Offset");
  return status === 200 && start !== null && Number(start) === offset;
}

/** The first bytes of a response; fewer if it has fewer. */
async function firstBytes(response: Response, length: number): Promise<Uint8Array> {
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
  await reader?.cancel().catch(() => {});
  return bytes.subarray(0, at);
}

function nameOf(pathname: string, mount: string): string {
  const below = `${pathname}/`.startsWith(mount) ? `/${pathname.slice(mount.length)}` : pathname;
  try {
    return decodeURIComponent(below);
  } catch {
    return below;
  }
}

function storedToken(): string | undefined {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
