/**
 * The Store contract: checks every statement of `src/engine/storage/store.ts` for a driver.
 * @module
 */
import { describe } from "node:test";
import { appendSection } from "./appends.ts";
import { claimSection } from "./claims.ts";
import { contentSection } from "./contents.ts";
import type { Driver } from "./driver.ts";
import { listSection } from "./lists.ts";
import { pathSection } from "./paths.ts";
import { readSection } from "./reads.ts";
import { sessionSection } from "./sessions.ts";

/**
 * Registers the suite as node:test tests.
 *
 * @example
 * ```ts
 * storeContract({ name: "my store", open: async () => ({ store, again: () => store, close: async () => {} }) });
 * ```
 */
export function storeContract(driver: Driver): void {
  describe(`the Store contract: ${driver.name}`, () => {
    claimSection(driver);
    contentSection(driver);
    appendSection(driver);
    readSection(driver);
    listSection(driver);
    pathSection(driver);
    sessionSection(driver);
  });
}
