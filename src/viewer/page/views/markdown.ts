/**
 * Renders Markdown. HTML becomes text, and images are not loaded.
 * @module
 */
import type { Token, Tokens, TokensList } from "marked";
import { safeLink } from "../rows/style.ts";
import { withSigns } from "../ui/signs.ts";

const HEADINGS = ["h2", "h3", "h4", "h5", "h6", "h6"] as const;

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
};

/** Maximum depth of nested elements. Deeper ones are shown as text: browsers fail at some thousands. */
const MAX_NESTED = 40;

/** The depth of the element that is being made. */
let nesting = 0;

/**
 * Renders blocks into an element. Blocks that have not changed keep their elements, so a selection in them stays. A definition
 * of a link changes blocks before it.
 *
 * @param parent The element. Its former children are replaced.
 * @param all The tokens of the Markdown.
 */
export function render(parent: HTMLElement, all: TokensList): void {
  const links = JSON.stringify(all.links);
  const isSame = linksOf.get(parent) === links;
  linksOf.set(parent, links);
  const blocks = all.filter(({ type }) => type !== "space" && type !== "def");
  const { children } = parent;
  for (const [at, token] of blocks.entries()) {
    const known = children[at];
    if (isSame && known instanceof HTMLElement && sources.get(known) === token.raw) continue;
    const element = blockOf(token);
    sources.set(element, token.raw);
    if (known) known.replaceWith(element);
    else parent.append(element);
  }
  while (children.length > blocks.length) children[children.length - 1]?.remove();
}

/** The definitions of links with which an element was rendered. */
const linksOf = new WeakMap<HTMLElement, string>();

/** The Markdown of each block. */
const sources = new WeakMap<HTMLElement, string>();

/** Renders something one level deeper; its source as text if that is too deep. */
function nested<Made>(make: () => Made, orElse: () => Made): Made {
  if (nesting === MAX_NESTED) return orElse();
  nesting++;
  try {
    return make();
  } finally {
    nesting--;
  }
}

function blockOf(token: Token): HTMLElement {
  return nested(
    () => elementOf(token),
    () => rawOf(token),
  );
}

function rawOf({ raw }: Token): HTMLElement {
  const element = document.createElement("p");
  element.append(...withSigns(raw));
  return element;
}

function elementOf(token: Token): HTMLElement {
  switch (token.type) {
    case "heading":
      return filled(HEADINGS[token.depth - 1] ?? "h6", token.tokens);
    case "paragraph":
      return filled("p", token.tokens);
    case "code":
      return codeOf(token as Tokens.Code);
    case "blockquote":
      return wrapped("blockquote", token.tokens);
    case "list":
      return listOf(token as Tokens.List);
    case "table":
      return tableOf(token as Tokens.Table);
    case "hr":
      return document.createElement("hr");
    case "text":
      return filled("p", token.tokens ?? [token]);
    default:
      return rawOf(token);
  }
}

function codeOf({ text, lang = "" }: Tokens.Code): HTMLElement {
  const outer = document.createElement("pre");
  outer.tabIndex = 0;
  const code = document.createElement("code");
  code.append(...withSigns(text));
  if (lang !== "") outer.dataset.language = lang;
  outer.append(code);
  return outer;
}

function listOf({ ordered, start, items }: Tokens.List): HTMLElement {
  const list = document.createElement(ordered ? "ol" : "ul");
  if (list instanceof HTMLOListElement && typeof start === "number") list.start = start;
  for (const { task, checked, tokens, loose } of items) {
    const item = document.createElement("li");
    if (task) item.append(checked === true ? "☑ " : "☐ ");
    for (const token of tokens.filter(({ type }) => type !== "space" && type !== "checkbox")) {
      if (token.type === "text" && !loose) item.append(...inline(token));
      else item.append(blockOf(token));
    }
    list.append(item);
  }
  return list;
}

function tableOf({ header, rows }: Tokens.Table): HTMLElement {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  head.append(...header.map((cell) => cellOf("th", cell)));
  const body = table.createTBody();
  for (const cells of rows) body.insertRow().append(...cells.map((cell) => cellOf("td", cell)));
  return table;
}

function cellOf(name: "th" | "td", { tokens, align }: Tokens.TableCell): HTMLElement {
  const cell = filled(name, tokens);
  cell.style.textAlign = align ?? "";
  return cell;
}

function filled(name: string, tokens: readonly Token[] = []): HTMLElement {
  const element = document.createElement(name);
  element.append(...tokens.flatMap(inline));
  return element;
}

function wrapped(name: string, tokens: readonly Token[] = []): HTMLElement {
  const element = document.createElement(name);
  element.append(...tokens.filter(({ type }) => type !== "space").map(blockOf));
  return element;
}

function inline(token: Token): Node[] {
  return nested(
    () => nodesOf(token),
    () => withSigns(token.raw),
  );
}

function nodesOf(token: Token): Node[] {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return [filled(token.type, token.tokens)];
    case "codespan": {
      const code = document.createElement("code");
      code.append(...withSigns(token.text));
      return [code];
    }
    case "br":
      return [document.createElement("br")];
    case "link":
      return [linkOf(token as Tokens.Link)];
    case "image":
      return withSigns(`[${token.text || token.href}]`);
    case "text":
      return "tokens" in token && token.tokens ? token.tokens.flatMap(inline) : withSigns(decoded(token.text));
    case "escape":
      return withSigns(token.text);
    default:
      return withSigns(token.raw);
  }
}

function linkOf({ href, tokens }: Tokens.Link): HTMLElement {
  const target = safeLink(href);
  if (target === "") return filled("span", tokens);
  const link = filled("a", tokens);
  if (link instanceof HTMLAnchorElement) {
    Object.assign(link, { href: target, rel: "noopener noreferrer nofollow", target: "_blank", title: target });
  }
  return link;
}

function decoded(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (entity) => ENTITIES[entity] ?? entity);
}
