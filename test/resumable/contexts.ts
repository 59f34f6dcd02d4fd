/**
 * Contexts of resumable streams: that of the npm package `resumable-stream`, and ours.
 * @module
 */
import {
  createResumableStreamContext as createVercelContext,
  type ResumableStreamContext as VercelContext,
} from "resumable-stream/generic";
import { createStreams } from "../../src/index.ts";
import { createResumableStreamContext } from "../../src/resumable/mod.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** A publisher and subscriber in memory, as the package demands of Redis. */
function pubSub() {
  const values = new Map<string, string>();
  const channels = new Map<string, (message: string) => void>();
  return {
    publisher: {
      connect: async () => {},
      publish: async (channel: string, message: string) => channels.get(channel)?.(message),
      set: async (key: string, value: string) => values.set(key, value) && ("OK" as const),
      get: async (key: string) => values.get(key) ?? null,
      incr: async (key: string) => {
        const value = values.get(key);
        if (value === "DONE") throw new Error("ERR value is not an integer or out of range");
        const next = Number(value ?? 0) + 1;
        values.set(key, String(next));
        return next;
      },
    },
    subscriber: {
      connect: async () => {},
      subscribe: async (channel: string, callback: (message: string) => void) => void channels.set(channel, callback),
      unsubscribe: async (channel: string) => channels.delete(channel),
    },
  };
}

/** Creates each kind of context. */
export const CONTEXTS: Record<string, () => Promise<{ context: VercelContext; close(): Promise<void> }>> = {
  "the npm package": async () => ({
    context: createVercelContext({ waitUntil: null, ...pubSub() }),
    close: async () => {},
  }),
  "httpfstream/resumable": async () => {
    const root = await temporaryFolder("resumable");
    const streams = createStreams({ root });
    const close = async (): Promise<void> => {
      await streams.shutdown();
      await removeFolder(root);
    };
    return { context: createResumableStreamContext({ streams }), close };
  },
};
