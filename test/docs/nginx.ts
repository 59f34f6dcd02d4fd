/**
 * nginx with a configuration from the documentation.
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";

/** The whole configuration, for the block of a server, its port and a folder for temporary files. */
export function nginxConfiguration(block: string, port: number, folder: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`).join("\n");
  const events = "worker_rlimit_nofile 8192; events { worker_connections 4096; }";
  // Started by root, it would otherwise have its workers as a user that can't enter the folder.
  const main = `user root; daemon off; pid ${join(folder, "pid")}; error_log stderr notice; ${events}`;
  return `${main}\nhttp { access_log off;\n${paths}\n${replaced(block, "listen 80;", `listen 127.0.0.1:${port};`)}\n}`;
}

/** The arguments for nginx to run with a configuration file. */
export function nginxArguments(file: string, folder: string): string[] {
  return ["-p", folder, "-e", "stderr", "-c", file];
}

/** Replaces a part of a text, which must be there. */
export function replaced(text: string, from: string, to: string): string {
  assert.ok(text.includes(from), `${JSON.stringify(from)} is in:\n${text}`);
  return text.replace(from, to);
}
