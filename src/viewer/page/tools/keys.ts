/**
 * The keyboard. Home, End, PageUp and PageDown work wherever the focus is; single keys can be switched off.
 * @module
 */

/** Actions by the names of their keys. */
export type Commands = Readonly<Record<string, () => void>>;

/**
 * Listens for keys.
 *
 * @param moves Keys that work everywhere except in dialogs. With Shift they select text in a field, as usual.
 * @param commands Single keys, which do not work in fields.
 * @param hasCommands Whether single keys are switched on.
 */
export function listenForKeys(moves: Commands, commands: Commands, hasCommands: () => boolean): void {
  addEventListener("keydown", (event) => {
    const { key, ctrlKey, shiftKey, target } = event;
    if (event.defaultPrevented || event.altKey || event.metaKey) return;
    if (target instanceof Element && target.closest("dialog")) return;
    const isMove = Object.hasOwn(moves, key) && !ctrlKey && !shiftKey;
    const run = isMove ? moves[key] : command(event);
    if (!run) return;
    event.preventDefault();
    run();
  });

  function command({ key, ctrlKey, target }: KeyboardEvent): (() => void) | undefined {
    // In the search field, a second Ctrl+F opens the browser's own search.
    if (isField(target)) return undefined;
    if (ctrlKey) return commands[`Ctrl+${key.toLowerCase()}`];
    const pressesButton = key === " " && target instanceof HTMLButtonElement;
    return hasCommands() && !pressesButton ? commands[key] : undefined;
  }
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}
