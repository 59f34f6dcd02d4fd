/**
 * The candidates: the viewer page, and other pages that show a log in a browser.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/install.mjs";

/** Something that shows a log. */
export interface Candidate {
  readonly name: string;
  /** What it is, with its version. */
  readonly title: string;
  /** Whether it is the page of this project, which has any size, links to lines, and reads only what is in view. */
  readonly isOurs: boolean;
  /** The address that shows a path. */
  address(server: string, path: string, follows: boolean): string;
}

const REACT_VIEWER = "@melloware/react-logviewer";

/** All candidates. */
export const CANDIDATES: readonly Candidate[] = [
  {
    ...{ name: "httpfstream", title: "the viewer page of this checkout", isOurs: true },
    address: (server, path) => `${server}/logs/${path}`,
  },
  {
    ...{ name: "pre", title: "one <pre> that a streaming fetch adds text to", isOurs: false },
    address: (server, path, follows) => harness(server, "pre", path, follows),
  },
  {
    ...{ name: "react", title: `${REACT_VIEWER} ${versionOf(REACT_VIEWER)}, streaming`, isOurs: false },
    address: (server, path, follows) => harness(server, "react", path, follows),
  },
];

function harness(server: string, page: string, path: string, follows: boolean): string {
  const of = `/logs/${path}?${follows ? "verb=FOLLOW" : "raw"}`;
  return `${server}/pages/${page}.html?${new URLSearchParams({ of, ...(follows ? { follows: "" } : {}) })}`;
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8")).version;
}
