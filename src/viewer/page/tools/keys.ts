/**
 * The keyboard. Home, End, PageUp and PageDown work wherever the focus is; single keys can be switched off.
 * @module
 */

/** What keys do. */
export type Commands = Readonly<Record<string, () => void>>;

/**
 * Listens for keys.
 *
 * @param moves Keys that work everywhere.
 * @param commands Single keys, which do not work where text is typed.
 * @param hasCommands Whether they are switched on.
 */
export function listenForKeys(moves: Commands, commands: Commands, hasCommands: () => boolean): void {
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.altKey || event.metaKey) return;
    if (target instanceof Element && target.closest("dialog")) return;
    // Home and End also move within a text.
    const isMove = Object.hasOwn(moves, key) && !event.ctrlKey && !(isFilled(target) && /^(Home|End)$/.test(key));
    const run = isMove ? moves[key] : command(event);
    if (!run) return;
    event.preventDefault();
    run();
  });

  function command({ key, ctrlKey, target }: KeyboardEvent): (() => void) | undefined {
    // A second Ctrl+F is the browser's own.
    if (isField(target)) return undefined;
    if (ctrlKey) return commands[`Ctrl+${key.toLowerCase()}`];
    const presses = key === " " && target instanceof HTMLButtonElement;
    return hasCommands() && !presses ? commands[key] : undefined;
  }
}

function isField(target: EventTarget | null): target is HTMLInputElement | HTMLSelectElement {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}

function isFilled(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.value !== "";
}
