/**
 * The page when its path can't be read.
 * @module
 */
import { Refused, Replaced } from "./bytes/source.ts";
import type { Status } from "./status.ts";
import { showBanner } from "./ui/dom.ts";

/** Says that the content is gone or was replaced. A button loads the page again. */
export function showReplaced(status: Status, reason: "deleted" | "replaced"): void {
  status.set(reason);
  const label = reason === "deleted" ? "Wait for it" : "Show the new content";
  const text = reason === "deleted" ? "This path was deleted." : "This path has other content now.";
  showBanner(text, { label, run: () => location.reload() });
}

/**
 * Says why the path can't be read.
 *
 * @throws any other error, which is a fault of the page.
 */
export function showFailure(status: Status, error: unknown): void {
  if (error instanceof Replaced) showReplaced(status, "replaced");
  else if (error instanceof Refused) showBanner(error.message);
  else throw error;
}
