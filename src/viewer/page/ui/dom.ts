/**
 * The elements of the page.
 * @module
 */

/** The element of the page with an id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element "${id}".`);
  return element;
}

/** The input of the page with an id. */
export function inputById(id: string): HTMLInputElement {
  const element = byId(id);
  if (!(element instanceof HTMLInputElement)) throw new Error(`"${id}" is no input.`);
  return element;
}

/** The dialog of the page with an id. */
export function dialogById(id: string): HTMLDialogElement {
  const element = byId(id);
  if (!(element instanceof HTMLDialogElement)) throw new Error(`"${id}" is no dialog.`);
  return element;
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

/** Calls back when a button is pressed. */
export function onClick(id: string, run: () => void): void {
  byId(id).addEventListener("click", run);
}

/** Shows a sentence above the rows, with a button if there is something to do. None hides it. */
export function showBanner(text: string, action?: { readonly label: string; readonly run: () => void }): void {
  const banner = byId("banner");
  banner.hidden = text === "";
  banner.replaceChildren(text);
  if (!action) return;
  const button = make("button", action.label, { type: "button" });
  button.addEventListener("click", action.run);
  banner.append(" ", button);
}

/** Says something to people who can't see the page. */
export function announce(text: string): void {
  byId("summary").textContent = text;
}
