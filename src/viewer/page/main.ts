/**
 * The viewer page.
 * @module
 */
import { TOKEN_PARAMETER } from "../../protocol/parameters.ts";
import { Source } from "./bytes/source.ts";
import type { DocumentView } from "./document.ts";
import { showFailure } from "./failure.ts";
import { LogView } from "./log.ts";
import { act, load, loadEarly, partFor, showMissingPart } from "./parts.ts";
import { find, showRefusal } from "./start.ts";
import { Status } from "./status.ts";
import { type Commands, listenForKeys } from "./tools/keys.ts";
import { formatLink, parseLink } from "./tools/links.ts";
import { byId, dialogById, inputById, make, onClick } from "./ui/dom.ts";
import { keepPreferences, preferences } from "./ui/preferences.ts";
import { withSigns } from "./ui/signs.ts";
import { isKind, type Kind, kindFor } from "./views/kinds.ts";

/** The URL path of the mount: this script is in a folder below it. */
const MOUNT = new URL("..", import.meta.url).pathname;

/** Pixels for an arrow key: three lines. */
const STEP_PIXELS = 54;

const chosen = preferences();
const source = new Source(location.href, MOUNT);
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
// Most of what the page does is awaited by nothing. Its errors end here.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  showFailure(status, event.reason);
});
void open();

async function open(): Promise<void> {
  loadEarly(source.name, location.hash);
  const found = await find(source);
  if (found.kind === "folder") return openFolder();
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
  const name = partFor(kind);
  const part = name && (await load(name));
  const isMissing = name !== undefined && !part;
  if (isMissing) showAs("log");
  if (isMissing && kind === "media") return showMissingPart('"Raw" and "Save" have the content.');
  if (part && "DocumentView" in part) {
    const view = new part.DocumentView(source, status, kind === "media" ? type : undefined);
    connectDocument(view);
    return view.open(size);
  }
  const view = new LogView(source, status, part?.dataView(kind));
  connect(view);
  if (kind === "json") inputById("search").placeholder = ".level>=warn";
  await view.open(size);
  if (isMissing) showMissingPart("This is the log.");
}

async function openFolder(): Promise<void> {
  const part = await load("folder");
  if (part) return part.showFolder(source, status);
  byId("pane").hidden = true;
  status.set("unknown");
  showMissingPart("The list does not update.");
}

/** Shows what kind of view this is. */
function showAs(kind: Kind): void {
  byId("tools").dataset.kind = kind;
  const choice = byId("as");
  if (choice instanceof HTMLSelectElement) choice.value = kind;
}

/** The kind of view: the one that the hash names, or else the default one. The reader can choose another one. */
async function chooseKind(type: string, size: number): Promise<Kind> {
  const isUnknown = type.startsWith("application/octet-stream") && size > 0;
  const beginning = isUnknown ? await source.read(0, Math.min(size, 512)) : new Uint8Array(0);
  const usual = kindFor(type, beginning);
  const kind = kindIn(location.hash, usual);
  showAs(kind);
  addEventListener("hashchange", () => {
    if (kindIn(location.hash, usual) !== kind) location.reload();
  });
  const choice = byId("as");
  if (!(choice instanceof HTMLSelectElement)) return kind;
  for (const option of choice.options) option.hidden = option.value === "media" && usual !== "media";
  choice.addEventListener("change", () => {
    const { query } = parseLink(location.hash);
    const view = choice.value === usual ? undefined : choice.value;
    const link = formatLink({ lines: undefined, bytes: undefined, query, view });
    history.replaceState(null, "", location.pathname + location.search + (link === "#" ? "" : link));
    location.reload();
  });
  return kind;
}

/** The kind of view that a hash names. Only the log has places: a link to a line of Markdown leads to its source. */
function kindIn(hash: string, usual: Kind): Kind {
  const { view, lines, bytes } = parseLink(hash);
  if (isKind(view)) return view;
  return usual === "markdown" && (lines ?? bytes) ? "log" : usual;
}

/** The media type; by the name if the server only knows that it is text, or if there is nothing yet. */
function typeOf(type: string, name: string): string {
  if (!type.startsWith("text/plain")) return type;
  if (/\.(md|markdown)$/i.test(name)) return "text/markdown";
  return /\.(json|ndjson|jsonl)$/i.test(name) ? "application/json" : type;
}

/** Connects the controls and the keys to a document. */
function connectDocument(view: DocumentView): void {
  const up = (): void => view.scroll(-1);
  const down = (): void => view.scroll(1);
  const toStart = (): void => view.scroll(Number.NEGATIVE_INFINITY);
  const toEnd = (): void => view.scroll(Number.POSITIVE_INFINITY);
  const commands = { g: toStart, G: toEnd, " ": down };
  connectCommon({ Home: toStart, End: toEnd, PageUp: up, PageDown: down }, commands);
}

/** Connects the controls and the keys to a log. */
function connect(view: LogView): void {
  const { scroller } = view;
  const toEnd = (): void => void scroller.follow();
  const toStart = (): void => void scroller.jump(0);
  const copyLines = (): void => void act(({ copy }) => copy(view));
  onClick("follow", () => (scroller.isFollowing ? stopFollowing(view) : toEnd()));
  onClick("news", toEnd);
  onClick("wrap", () => wrap(view));
  onClick("goto", openGoTo);
  onClick("goto-cancel", () => dialogById("goto-dialog").close());
  onClick("copy", copyLines);
  onClick("filter-lines", () => void toggleFilter(view));
  byId("goto-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void submitGoTo(view);
  });
  byId("view").classList.toggle("wraps", chosen.wraps);
  byId("wrap").setAttribute("aria-pressed", String(chosen.wraps));
  showTimes();
  onClick("times", () => {
    chosen.times = !chosen.times;
    keepPreferences(chosen);
    showTimes();
  });
  const moves = {
    ...{ Home: toStart, End: toEnd, PageUp: () => scroller.moveByPages(-1), PageDown: () => scroller.moveByPages(1) },
  };
  const [down, up] = [() => scroller.moveBy(STEP_PIXELS), () => scroller.moveBy(-STEP_PIXELS)];
  connectCommon(moves, {
    ...{ j: down, k: up, ArrowDown: down, ArrowUp: up, " ": moves.PageDown, g: toStart, G: toEnd },
    ...{ f: () => byId("follow").click(), w: () => wrap(view), c: copyLines, ":": openGoTo },
    ...{ "/": () => view.search.focus(), "Ctrl+f": () => view.search.focus() },
    ...{ n: () => view.search.step(1), N: () => view.search.step(-1) },
    ...{
      s: () => byId("times").click(),
      S: () => void act(({ saveLines }) => saveLines(view, source.name.replace(/^.*\//, ""))),
    },
  });
}

/** Connects the controls and the keys that all views of a path have. */
function connectCommon(moves: Commands, commands: Commands): void {
  const saveFile = (): void => void act(({ save }) => save(source));
  const help = (): void => dialogById("help-dialog").showModal();
  onClick("help", help);
  onClick("save", saveFile);
  const keys = inputById("single-keys");
  keys.checked = chosen.keys;
  keys.addEventListener("change", () => {
    chosen.keys = keys.checked;
    keepPreferences(chosen);
  });
  const common = { t: nextTheme, "?": help, "Ctrl+s": saveFile };
  listenForKeys(moves, { ...commands, ...common }, () => chosen.keys);
}

function showTimes(): void {
  byId("view").classList.toggle("times", chosen.times);
  byId("times").setAttribute("aria-pressed", String(chosen.times));
}

function stopFollowing({ scroller }: LogView): void {
  scroller.stay();
  byId("follow").setAttribute("aria-pressed", "false");
}

async function toggleFilter(view: LogView): Promise<void> {
  const part = await load("filter");
  if (!part) return showMissingPart("All lines are shown.");
  const { lines, scroller, search } = view;
  view.filter ??= new part.Filter({ lines, scroller, hits: () => search.lines });
  await view.filter.toggle();
}

function openGoTo(): void {
  byId("goto-note").textContent = "";
  dialogById("goto-dialog").showModal();
  inputById("goto-input").select();
}

async function submitGoTo(view: LogView): Promise<void> {
  await act(async ({ goTo }) => {
    const isFound = await goTo(view, inputById("goto-input").value);
    if (isFound) dialogById("goto-dialog").close();
    else byId("goto-note").textContent = "This log has no such line, byte, part or time.";
  });
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

/** Shows the path below the mount: the folders above as links, and the name. */
function showPath(): void {
  const segments = source.name.split("/").filter((segment) => segment !== "");
  const isFolder = source.name.endsWith("/");
  const name = segments.pop() ?? "";
  const depth = isFolder ? segments.length + 1 : segments.length;
  const links = ["/", ...segments].map((segment, at) => {
    const href = "../".repeat(Math.max(0, depth - at)) || "./";
    const link = make("a", "", { href });
    link.append(...withSigns(at === 0 ? "/" : `${segment}/`));
    return link;
  });
  byId("path").replaceChildren(...(name === "" ? [] : links));
  byId("name").replaceChildren(...withSigns(name === "" ? "/" : name + (isFolder ? "/" : "")));
  const raw = byId("raw");
  if (raw instanceof HTMLAnchorElement) raw.href = source.with({ raw: "" }).href;
  // A link can't send the token.
  raw.hidden = source.token !== undefined;
}
