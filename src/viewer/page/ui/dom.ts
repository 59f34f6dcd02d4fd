/**
 * The elements of the page.
 * @module
 */

import { withSigns } from "./signs.ts";

/** The element with an id. */
export function byId(id: string): HTMLElement {
  return elementOf(id, HTMLElement);
}

/** The input with an id. */
export function inputById(id: string): HTMLInputElement {
  return elementOf(id, HTMLInputElement);
}

/** The dialog with an id. */
export function dialogById(id: string): HTMLDialogElement {
  return elementOf(id, HTMLDialogElement);
}

function elementOf<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} "${id}".`);
}

/** Makes an element with text. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  text: string,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.textContent = text;
  return element;
}

/** Calls back when the element with an id is clicked. */
export function onClick(id: string, run: () => void): void {
  byId(id).addEventListener("click", run);
}

/** Milliseconds for which a note is shown. */
const NOTE_MS = 5_000;

/** Shows a sentence above the view, with a button for an action. An empty sentence hides the banner. */
export function showBanner(text: string, action?: { readonly label: string; readonly run: () => void }): void {
  const banner = byId("banner");
  banner.hidden = text === "";
  banner.replaceChildren(...withSigns(text));
  if (!action) return;
  const button = make("button", action.label, { type: "button" });
  button.addEventListener("click", action.run);
  banner.append(" ", button);
}

/** Shows a sentence above the view for a few seconds. */
export function showNote(text: string): void {
  showBanner(text);
  setTimeout(() => {
    // Another sentence may have taken its place.
    if (byId("banner").textContent === text) showBanner("");
  }, NOTE_MS);
}

/** Has screen readers read a sentence. */
export function announce(text: string): void {
  byId("summary").textContent = text;
}
