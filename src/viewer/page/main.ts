/**
 * The viewer page.
 * @module
 */
import { Source } from "./bytes/source.ts";
import { showFolder } from "./folder.ts";
import { LogView } from "./log.ts";
import { find, showRefusal } from "./start.ts";
import { Status } from "./status.ts";
import { listenForKeys } from "./tools/keys.ts";
import { byId, dialogById, inputById, make, onClick } from "./ui/dom.ts";
import { keepPreferences, preferences } from "./ui/preferences.ts";

const chosen = preferences();
const source = new Source(location.href);
// The token leaves the address bar, and with it the history, before anything else happens.
if (new URL(location.href).searchParams.has("access_token")) {
  const { pathname, search } = source.url;
  history.replaceState(null, "", pathname + search + location.hash);
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
  const view = new LogView(source, status);
  connect(view);
  if (found.kind === "missing") {
    status.set("waiting");
    return view.open(0);
  }
  source.generation = found.headers.get("Stream-Generation") ?? undefined;
  await view.open(found.size);
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
  onClick("copy", () => void view.copy());
  onClick("save", save);
  byId("goto-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void view.goTo(inputById("goto-input").value).then((isFound) => {
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
    ...{ w: () => wrap(view), t: nextTheme, c: () => void view.copy(), ":": openGoTo, "/": () => view.search.focus() },
    ...{ n: () => view.search.step(1), N: () => view.search.step(-1), "?": () => byId("help").click() },
    ...{ "Ctrl+f": () => view.search.focus(), "Ctrl+s": save },
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
