/**
 * Signs for characters that can't be seen, or that change the order of others: with them, a text can look like another one.
 * @module
 */

const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The first of the characters that Unicode has for the pictures of control characters. */
const PICTURES = 0x2400;

/** Text whose invisible characters have signs. The characters stay, so that a copy is exact. */
export function withSigns(text: string): Node[] {
  const parts: Node[] = [];
  let at = 0;
  for (const { 0: character, index } of text.matchAll(HIDDEN)) {
    if (index > at) parts.push(document.createTextNode(text.slice(at, index)));
    const sign = document.createElement("span");
    sign.className = "sign";
    sign.dataset.sign = signOf(character);
    sign.textContent = character;
    parts.push(sign);
    at = index + 1;
  }
  if (at < text.length) parts.push(document.createTextNode(text.slice(at)));
  return parts;
}

/** The same where only text can be, such as in a title: the replacement character stands for each of them. */
export function withoutHidden(text: string): string {
  return text.replace(HIDDEN, "\ufffd");
}

function signOf(character: string): string {
  const code = character.charCodeAt(0);
  return code < 32 ? String.fromCharCode(PICTURES + code) : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
