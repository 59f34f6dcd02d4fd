/**
 * The viewer page.
 * @module
 */
import { copy, goTo, saveLines } from "./actions.ts";
import { Source, TOKEN_PARAMETER } from "./bytes/source.ts";
import { DocumentView } from "./document.ts";
import { showFolder } from "./folder.ts";
import { LogView } from "./log.ts";
import { find, showRefusal } from "./start.ts";
import { Status } from "./status.ts";
import { listenForKeys } from "./tools/keys.ts";
import { formatLink, parseLink } from "./tools/links.ts";
import { byId, dialogById, inputById, make, onClick } from "./ui/dom.ts";
import { keepPreferences, preferences } from "./ui/preferences.ts";
import { isKind, type Kind, kindFor } from "./views/kinds.ts";

const chosen = preferences();
const source = new Source(location.href);
// The token leaves the address bar, and with it the history, before anything else happens.
const address = new URL(location.href);
if (address.searchParams.has(TOKEN_PARAMETER)) {
  address.searchParams.delete(TOKEN_PARAMETER);
  history.replaceState(null, "", address);
}
const status = new Status(source.name.replace(/\/$/, "").replace(/^.*\//, "") || "/");
applyTheme();
onClick("theme", nextTheme);
onClick("folder-theme", nextTheme);
showPath();
void open();

async function open(): Promise<void> {
  const found = await find(source);
  if (found.kind === "folder") return showFolder(source, status);
  if (found.kind === "refused") {
    status.set("refused");
    return showRefusal(source, found.message);
  }
  byId("tools").hidden = false;
  const headers = found.kind === "file" ? found.headers : new Headers();
  const size = found.kind === "file" ? found.size : 0;
  source.generation = headers.get("Stream-Generation") ?? undefined;
  const type = typeOf(headers.get("Content-Type") ?? "text/plain", source.name);
  const kind = await chooseKind(type, size);
  if (size === 0) status.set("waiting");
  if (kind === "media" || kind === "markdown") {
    const view = new DocumentView(source, status, kind === "media" ? type : undefined);
    connectDocument(view);
    return view.open(size);
  }
  const view = new LogView(source, status, kind);
  connect(view);
  await view.open(size);
}

/** The kind of view: what the address says, or else what suits the type. Lets the reader choose another one. */
async function chooseKind(type: string, size: number): Promise<Kind> {
  const { view } = parseLink(location.hash);
  const isUnknown = type.startsWith("application/octet-stream") && size > 0;
  const beginning = isUnknown ? await source.read(0, Math.min(size, 512)) : new Uint8Array(0);
  const usual = kindFor(type, beginning);
  const kind = isKind(view) ? view : usual;
  const choice = byId("as");
  if (!(choice instanceof HTMLSelectElement)) return kind;
  for (const option of choice.options) option.hidden = option.value === "media" && usual !== "media";
  choice.value = kind;
  choice.addEventListener("change", () => {
    const { query } = parseLink(location.hash);
    const chosenKind = choice.value === usual ? undefined : choice.value;
    const link = formatLink({ lines: undefined, bytes: undefined, query, view: chosenKind });
    history.replaceState(null, "", location.pathname + location.search + (link === "#" ? "" : link));
    location.reload();
  });
  byId("tools").dataset.kind = kind;
  return kind;
}

/** A type; the one of the name, if the server knows only that it is text, or if there is nothing yet. */
function typeOf(type: string, name: string): string {
  if (!type.startsWith("text/plain")) return type;
  if (/\.(md|markdown)$/i.test(name)) return "text/markdown";
  return /\.(json|ndjson|jsonl)$/i.test(name) ? "application/json" : type;
}

/** Lets the controls and the keys work on a document. */
function connectDocument(view: DocumentView): void {
  onClick("help", () => dialogById("help-dialog").showModal());
  onClick("save", () => void save());
  const [up, down] = [() => view.scroll(-1), () => view.scroll(1)];
  const [start, end] = [() => view.scroll(Number.NEGATIVE_INFINITY), () => view.scroll(Number.POSITIVE_INFINITY)];
  const moves = { Home: start, End: end, PageUp: up, PageDown: down };
  const commands = {
    g: start,
    G: end,
    " ": down,
    t: nextTheme,
    "?": () => byId("help").click(),
    "Ctrl+s": () => void save(),
  };
  listenForKeys(moves, commands, () => chosen.keys);
}

/** Lets the controls and the keys work on the view. */
function connect(view: LogView): void {
  const { scroller } = view;
  const toEnd = (): void => void scroller.follow();
  const toStart = (): void => void scroller.jump(0);
  onClick("follow", () => (scroller.isFollowing ? stopFollowing(view) : toEnd()));
  onClick("news", toEnd);
  onClick("wrap", () => wrap(view));
  onClick("help", () => dialogById("help-dialog").showModal());
  onClick("goto", () => openGoTo());
  onClick("copy", () => void copy(view));
  onClick("save", () => void save());
  byId("goto-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void goTo(view, inputById("goto-input").value).then((isFound) => {
      if (isFound) dialogById("goto-dialog").close();
      byId("goto-note").textContent = isFound ? "" : "That is no line, byte, part or time of this log.";
    });
  });
  const keys = inputById("single-keys");
  keys.checked = chosen.keys;
  keys.addEventListener("change", () => {
    chosen.keys = keys.checked;
    keepPreferences(chosen);
  });
  const showTimes = (): void => {
    byId("view").classList.toggle("times", chosen.times);
    byId("times").setAttribute("aria-pressed", String(chosen.times));
  };
  onClick("times", () => {
    chosen.times = !chosen.times;
    keepPreferences(chosen);
    showTimes();
  });
  showTimes();
  byId("view").classList.toggle("wraps", chosen.wraps);
  byId("wrap").setAttribute("aria-pressed", String(chosen.wraps));
  const moves = {
    Home: toStart,
    End: toEnd,
    PageUp: () => scroller.moveByPages(-1),
    PageDown: () => scroller.moveByPages(1),
  };
  const commands = {
    ...{ j: () => scroller.moveBy(54), k: () => scroller.moveBy(-54) },
    ...{ ArrowDown: () => scroller.moveBy(54), ArrowUp: () => scroller.moveBy(-54) },
    ...{ " ": () => scroller.moveByPages(1), g: toStart, G: toEnd, f: () => byId("follow").click() },
    ...{ s: () => byId("times").click(), S: () => void saveLines(view, source.name.replace(/^.*\//, "")) },
    ...{ w: () => wrap(view), t: nextTheme, c: () => void copy(view), ":": openGoTo, "/": () => view.search.focus() },
    ...{ n: () => view.search.step(1), N: () => view.search.step(-1), "?": () => byId("help").click() },
    ...{ "Ctrl+f": () => view.search.focus(), "Ctrl+s": () => void save() },
  };
  listenForKeys(moves, commands, () => chosen.keys);
}

function stopFollowing({ scroller }: LogView): void {
  scroller.stay();
  byId("follow").setAttribute("aria-pressed", "false");
}

function openGoTo(): void {
  byId("goto-note").textContent = "";
  dialogById("goto-dialog").showModal();
  inputById("goto-input").select();
}

function wrap({ scroller }: LogView): void {
  chosen.wraps = !chosen.wraps;
  keepPreferences(chosen);
  byId("wrap").setAttribute("aria-pressed", String(chosen.wraps));
  scroller.keepAnchor(() => byId("view").classList.toggle("wraps", chosen.wraps));
}

function nextTheme(): void {
  const themes = ["auto", "light", "dark"] as const;
  chosen.theme = themes[(themes.indexOf(chosen.theme) + 1) % themes.length] ?? "auto";
  keepPreferences(chosen);
  applyTheme();
}

function applyTheme(): void {
  document.documentElement.dataset.theme = chosen.theme;
  for (const id of ["theme", "folder-theme"]) byId(id).setAttribute("aria-label", `Theme: ${chosen.theme}`);
}

/** Saves the bytes. A link can't send a token in a header, so that a download with one is gathered first. */
async function saveWithToken(): Promise<string> {
  const response = await source.request(source.with({ raw: "" }));
  return URL.createObjectURL(await response.blob());
}

async function save(): Promise<void> {
  const href = source.token === undefined ? source.with({ raw: "" }).href : await saveWithToken();
  make("a", "", { href, download: source.name.replace(/^.*\//, "") || "log" }).click();
}

/** The folders above, as links, and the name. */
function showPath(): void {
  const segments = source.name.split("/").filter((segment) => segment !== "");
  const isFolder = source.name.endsWith("/");
  const name = segments.pop() ?? "";
  const ups = isFolder ? segments.length + 1 : segments.length;
  const links = ["/", ...segments].map((segment, at) => {
    const up = "../".repeat(Math.max(0, ups - at)) || "./";
    return make("a", at === 0 ? "/" : `${segment}/`, { href: up });
  });
  byId("path").replaceChildren(...(name === "" ? [] : links));
  byId("name").textContent = name === "" ? "/" : name + (isFolder ? "/" : "");
  const raw = byId("raw");
  if (raw instanceof HTMLAnchorElement) raw.href = source.with({ raw: "" }).href;
  raw.hidden = source.token !== undefined;
}
