/**
 * Names of files in pages. Characters that can't be seen, or that change the order of others, have signs: with them, a name can
 * look like another one.
 * @module
 */
import { html } from "hono/html";

const HIDDEN = /([\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069])/u;

type Html = ReturnType<typeof html>;

/** The style of the signs, for a page without that of the viewer. */
export const SIGN_STYLE = `
.sign { unicode-bidi: isolate; font-size: 0 }
.sign::before { content: attr(data-sign); font-size: 10px; border: 1px dotted; padding-inline: 1px }
`;

/** A name with signs. The characters stay, so that a copy is exact. */
export function listedName(name: string): Html {
  const parts = name.split(new RegExp(HIDDEN, "gu")).map((part) => (HIDDEN.test(part) ? signed(part) : part));
  return html`${parts}`;
}

/** A name for where only text can be, such as a title: the replacement character stands for each of them. */
export function titleName(name: string): string {
  return name.replace(new RegExp(HIDDEN, "gu"), "\ufffd");
}

function signed(character: string): Html {
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return html`<span class="sign" data-sign="U+${code}">${character}</span>`;
}
