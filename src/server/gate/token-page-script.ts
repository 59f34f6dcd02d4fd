/**
 * The script of the page that asks for a token. It runs in browsers, and is plain JavaScript.
 * @module
 */

/** The source. It contains no data of the server, and puts nothing into the page as HTML. */
export const TOKEN_PAGE_SCRIPT: string = String.raw`
const KEY = "httpfstream.token";
const PARAMETER = "access_token";
const ROWS = 1000;
const MAX_BYTES = 8 * 1024 * 1024;
const TEXT = /^(text\/|application\/([\w.-]+\+)?(json|xml|x-ndjson|ndjson|javascript|yaml|toml|x-sh)\b)/i;

let token = storedToken();
const main = document.querySelector("main");

function storedToken() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // The browser blocks storage, so the token lasts until the page is left.
  }
}

function keep(value) {
  token = value;
  try {
    if (value === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {}
}

function make(name, text, properties = {}) {
  const element = Object.assign(document.createElement(name), properties);
  element.textContent = text;
  return element;
}

// The token leaves the address bar, and with it the history, before anything else happens.
const here = new URL(location.href);
if (here.searchParams.has(PARAMETER)) {
  keep(here.searchParams.get(PARAMETER));
  here.searchParams.delete(PARAMETER);
  history.replaceState(null, "", here);
}

function path() {
  try {
    return decodeURIComponent(here.pathname);
  } catch {
    return here.pathname;
  }
}

function ask(message) {
  const form = make("form", "");
  const label = make("label", "Token ");
  const input = make("input", "", { type: "password", autocomplete: "off", required: true, spellcheck: false });
  label.append(input);
  form.append(make("p", message), label, make("button", "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(input.value.trim());
    void open();
  });
  main.replaceChildren(form);
  input.focus();
}

function request() {
  const url = new URL(here);
  if (!url.searchParams.has("limit")) url.searchParams.set("limit", String(ROWS));
  const headers = { Accept: "application/json, */*;q=0.5", Authorization: "Bearer " + token };
  return fetch(url, { headers, cache: "no-store", credentials: "same-origin", referrerPolicy: "no-referrer" });
}

async function open() {
  if (token === null || token === "") return ask("This page needs a token.");
  main.replaceChildren(make("p", "Loading …", { role: "status" }));
  try {
    const response = await request();
    document.title = path();
    if (response.status === 401) {
      keep(null);
      return ask(await response.text());
    }
    const title = make("h1", path());
    main.replaceChildren(title);
    if (!response.ok) return refuse(await response.text());
    if (!response.headers.has("Stream-Next-Offset")) return list(await response.json());
    if (TEXT.test(response.headers.get("Content-Type") ?? "")) return await show(response);
    await response.body?.cancel();
    main.append(download(response.headers.get("Content-Length")));
  } catch (error) {
    main.append(make("p", "It could not be loaded: " + error.message, { role: "alert" }));
  }
}

function refuse(message) {
  const other = make("button", "Use another token", { type: "button" });
  other.addEventListener("click", () => ask("This page needs another token."));
  main.append(make("p", message, { role: "alert" }), other);
}

function link(text, href) {
  return make("a", text, { href });
}

function list({ path: listed, entries, next }) {
  const folder = here.pathname.replace(/\/*$/, "/");
  const table = make("table", "");
  const head = table.createTHead().insertRow();
  for (const name of ["Name", "Bytes", "Changed"]) head.append(make("th", name));
  const body = table.createTBody();
  const add = (first, ...others) => {
    const row = body.insertRow();
    row.insertCell().append(...first);
    for (const text of others) row.insertCell().textContent = text;
  };
  if (listed !== "/") add([link("..", folder.replace(/[^/]+\/$/, ""))], "", "");
  for (const { name, kind, size, modified, appending } of entries) {
    const slash = kind === "folder" ? "/" : "";
    const first = [link(name + slash, folder + encodeURIComponent(name) + slash)];
    if (appending) first.push(make("span", " (live)", { className: "live" }));
    add(first, slash ? "" : String(size), modified.slice(0, 19).replace("T", " ") + " UTC");
  }
  main.append(table);
  if (next === undefined) return;
  const url = new URL(here);
  url.searchParams.set("after", next);
  main.append(link("More, after " + next, url.href));
}

async function show(response) {
  const text = make("pre", "", { tabIndex: 0 });
  main.append(text);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let bytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    text.append(decoder.decode(piece.value, { stream: true }));
    bytes += piece.value.length;
    if (bytes < MAX_BYTES) continue;
    await reader.cancel();
    text.before(make("p", "These are the first " + bytes + " bytes of it."), download(null));
    return;
  }
  text.append(decoder.decode());
}

function download(size) {
  const button = make("button", size === null ? "Download" : "Download " + size + " bytes", { type: "button" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const response = await request();
      if (!response.ok) throw new Error(await response.text());
      const href = URL.createObjectURL(await response.blob());
      const anchor = make("a", "", { href, download: path().split("/").pop() });
      anchor.click();
      setTimeout(() => URL.revokeObjectURL(href), 60000);
    } catch (error) {
      button.after(make("p", error.message, { role: "alert" }));
    }
    button.disabled = false;
  });
  return button;
}

void open();
`;
