/**
 * What each runtime's native server does differently from the standalone one, with the reason.
 * @module
 */
import type { Target } from "../contract/wire/target.ts";
import type { Runtime } from "../fixture/processes.ts";

/** By runtime; the README's table of runtimes says the same. */
export const DIFFERENCES: Record<Runtime, NonNullable<Target["differs"]>> = {
  node: {},
  deno: {
    "raw text frames": "Deno's WebSocket delivers and sends text frames as strings",
    "close codes": "Deno's WebSocket drops the connection on a protocol violation without saying why",
    "dot segments": "Deno's Request resolves encoded dots in its URL",
  },
  bun: {
    "raw text frames": "Bun's WebSocket delivers and sends text frames as strings",
    "close codes": "Bun's WebSocket drops the connection on some protocol violations without saying why",
    "dot segments": "Bun's Request resolves dots in its URL",
    "early frames": "Bun answers 400 to frames that come before the handler's decision",
  },
};
