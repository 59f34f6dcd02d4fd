/**
 * The views of which there are pictures, and the steps that lead to each.
 * @module
 */
import type { Page } from "playwright-core";

/** A view. */
export interface Scene {
  readonly title: string;
  readonly path: string;
  /** Resolves when the view is as in the picture. */
  ready(page: Page): Promise<void>;
}

const inState = async (page: Page, text: string | RegExp): Promise<void> => {
  await page.getByRole("status").filter({ hasText: text }).waitFor();
};

const withText = async (page: Page, text: string, state: string): Promise<void> => {
  await page.locator("#rows .row", { hasText: text }).first().waitFor();
  await inState(page, state);
};

/** All views. */
export const SCENES: readonly Scene[] = [
  { title: "A build, live", path: "build/42.log", ready: (page) => inState(page, "Live") },
  {
    ...{ title: "A search", path: "build/42.log#&q=append" },
    async ready(page) {
      await inState(page, "Live");
      await page.locator("#hits", { hasText: /\d/ }).waitFor();
    },
  },
  {
    ...{ title: "Marked lines, and a link to them", path: "build/42.log#L12-L14" },
    async ready(page) {
      await page.locator(".row.marked").first().waitFor();
      await inState(page, "Live");
    },
  },
  { title: "A folder", path: "build/", ready: (page) => inState(page, "entries") },
  {
    title: "Lines of JSON",
    path: "service/events.ndjson",
    ready: (page) => withText(page, "/build/43.log", "Complete"),
  },
  { title: "JSON", path: "service/result.json", ready: (page) => withText(page, "artifacts", "Not being written") },
  {
    ...{ title: "Markdown", path: "service/answer.md" },
    ready: (page) => page.locator("#document td", { hasText: "by head" }).waitFor(),
  },
  { title: "Bytes", path: "service/server.bin?view#@0&as=hex", ready: (page) => withText(page, "7f 45", "Complete") },
  {
    ...{ title: "An image", path: "service/chart.png?view" },
    async ready(page) {
      await page.locator("#document img").waitFor();
      await page.waitForLoadState("networkidle");
    },
  },
  { title: "Nothing yet", path: "build/43.log", ready: (page) => inState(page, "Waiting") },
  {
    ...{ title: "Keys", path: "build/41.log" },
    async ready(page) {
      await inState(page, "Complete");
      await page.locator("#help").click();
      await page.locator("#help-dialog").waitFor();
    },
  },
  { title: "An appender that has disappeared", path: "build/40.log", ready: (page) => inState(page, "Lost") },
];
