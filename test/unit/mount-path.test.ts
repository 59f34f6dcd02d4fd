/** Paths in messages, as clients know them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { messageFor, withMountPath, withMountPathInError } from "../../src/server/service/mount-path.ts";

test("the path and its parents get the path of the mount", () => {
  const at = { path: "a/b/c", base: "/logs" };
  const messages: Record<string, string> = {
    '"/a/b/c" does not exist.': '"/logs/a/b/c" does not exist.',
    '"/a" is a file, so "/a/b/c" cannot be below it.': '"/logs/a" is a file, so "/logs/a/b/c" cannot be below it.',
    'Reading "/" is not allowed.': 'Reading "/logs/" is not allowed.',
    'It is not "/a/b/cd", "/a/", "/x" or "/a/b/c/d".': 'It is not "/a/b/cd", "/a/", "/x" or "/a/b/c/d".',
    "No path.": "No path.",
  };
  for (const [message, shown] of Object.entries(messages)) assert.equal(withMountPath(message, at), shown);
  assert.equal(withMountPath('"/a" is known.', { base: "/logs" }), '"/a" is known.');
});

test("names may contain quotes", () => {
  const at = { path: 'a"/b"/c', base: "/logs" };
  assert.equal(withMountPath('"/a"/b"/c" and "/a"/b""', at), '"/logs/a"/b"/c" and "/logs/a"/b""');
  assert.equal(withMountPath('"/" and "/""', { path: '"', base: "/logs" }), '"/logs/" and "/logs/""');
});

test("no message tells the folder of the scope, whatever path within it the message is about", () => {
  const at = { path: "tenants/bob/new.txt", base: "/u/bob", scope: "tenants/bob" };
  const messages: Record<string, string> = {
    '"/tenants/bob/new.txt" exists.': '"/u/bob/new.txt" exists.',
    '"/tenants/bob/deep/st.txt" does not exist.': '"/u/bob/deep/st.txt" does not exist.',
    '"/tenants/bob" and "/tenants" are folders.': '"/u/bob/" and "/u/bob/" are folders.',
    'The path "/u/bob/x" is refused.': 'The path "/u/bob/x" is refused.',
  };
  for (const [message, shown] of Object.entries(messages)) assert.equal(withMountPath(message, at), shown);
  // Where the path of the mount begins as the scope does, the client's own spelling stays as it is.
  const alike = { path: "u/a", base: "/u/v", scope: "u" };
  assert.equal(withMountPath('The path "/u/v/x" is refused.', alike), 'The path "/u/v/x" is refused.');
});

test("the path of an error gets the path of the mount, too", () => {
  const error = new StreamError("not_found", '"/st.txt" does not exist.', { path: "st.txt" });
  const at = { path: "fork.txt", base: "/logs" };
  assert.equal(messageFor(error, at), '"/logs/st.txt" does not exist.');
  const told = withMountPathInError(error, at);
  assert.ok(told instanceof StreamError);
  assert.equal(told.message, '"/logs/st.txt" does not exist.');
});

test("a path of any number of segments is shown, and cut", () => {
  for (const segment of ["a", '"']) {
    const path = Array(7_000).fill(segment).join("/");
    const scoped = { path: `s/${path}`, base: "/logs", scope: "s" };
    for (const at of [{ path }, { path, base: "/logs" }, scoped]) {
      const shown = withMountPath(`"/${at.path}" does not exist.`, at);
      assert.equal(
        shown,
        `"${at.path === path && !("base" in at) ? "" : "/logs"}/${path.slice(0, 200)}…" does not exist.`,
      );
    }
  }
});
