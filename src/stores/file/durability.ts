/**
 * The durability levels of the file store.
 * @module
 */

/** The levels of `FileStoreOptions.durability`. */
export const DURABILITIES = ["os", "disk"] as const;

/** When a byte counts as stored: once the operating system has it (`os`), or once the disk has it (`disk`). */
export type Durability = (typeof DURABILITIES)[number];
