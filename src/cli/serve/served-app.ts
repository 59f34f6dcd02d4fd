/**
 * The app of the standalone server.
 * @module
 */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../engine/events.ts";
import { type FstreamOptions, standalone } from "../../fstream.ts";
import { RESERVED_SEGMENT } from "../../protocol/path.ts";
import type { StreamApp } from "../../server/app.ts";
import { makeFolderSync } from "../../stores/file/folders/folder.ts";
import { systemMessage } from "../common/error-line.ts";
import { WrongUsage } from "../common/options.ts";
import { denialOf } from "../common/permission.ts";
import { gateOf } from "./gate.ts";
import { nameOf } from "./loopback.ts";
import type { ServeFlags } from "./serve-flags.ts";
import type { ServedStore } from "./served-store.ts";

/**
 * Builds the app on a store, and checks that its folder, if it is one, can be written to.
 *
 * @throws {WrongUsage} if the options exclude each other; an error with a sentence if the folder can't be used.
 */
export async function servedApp(
  flags: ServeFlags,
  stored: ServedStore,
  log: Log,
  isLocal: boolean,
): Promise<StreamApp> {
  const {
    admin,
    listings,
    durableStreams,
    viewer,
    webhooks = false,
    publicUrl,
    cacheSeconds,
    deletes,
    cors = false,
    origin,
    host,
    limit,
  } = flags;
  const authorize = await gateOf(flags, (error) => {
    const { message } = error;
    log({ type: "error", message, error });
  });
  // Other machines may use host names that the server cannot know. A page with a name of its own has no token, but may do
  // what needs no token.
  const isNamed = host.length > 0 || (isLocal && (!authorize || Object.keys(flags.anonymous).length > 0));
  // The server prints this name in its URL, so it must accept it.
  const hosts = isNamed ? { hosts: [...host, ...nameOf(flags.http.hostname)] } : {};
  const app = createApp({
    ...stored.options,
    listings,
    durableStreams,
    viewer,
    webhooks,
    ...(publicUrl !== undefined && { publicUrl }),
    cacheSeconds,
    ...(deletes !== undefined && { deletes }),
    cors,
    origins: origin,
    trustedProxies: flags.trustedProxy,
    ...hosts,
    ...(authorize && { authorize }),
    limits: limit,
    metrics: admin !== undefined,
    log,
  });
  if (stored.root !== undefined) checkWritable(stored.root);
  return app;
}

function createApp(options: FstreamOptions): StreamApp {
  try {
    return standalone(options);
  } catch (error) {
    throw error instanceof TypeError ? new WrongUsage(error.message) : error;
  }
}

/** Fails at startup rather than at the first append. */
function checkWritable(root: string): void {
  try {
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK);
    // Root ignores the permission bits, and some file systems do not report them correctly.
    makeFolderSync(join(root, RESERVED_SEGMENT));
  } catch (error) {
    const why = systemMessage(error) ?? denialOf(error);
    // Other errors, such as Deno's missing permission for this check, do not concern the folder.
    if (why) throw new Error(`The root folder ${root} can't be written to: ${why}.`, { cause: error });
  }
}
