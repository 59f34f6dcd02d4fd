/**
 * Reads what is stored, for the program that runs the server.
 * @module
 */
import { lookAgain } from "../../engine/storage/look-again.ts";
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import type { Service } from "../service/service.ts";
import { checkBytes, checkNames } from "./option-names.ts";

/** Which bytes `Streams.read` reads. */
export interface LocalReadOptions {
  /** The offset of the first byte. Default 0. */
  from?: number;
  /** The offset just past the last byte. Default: all that is stored when reading begins. */
  to?: number;
  /** The generation that the content must have. Default: any. */
  generation?: string;
  /** Ends the stream early, without an error. */
  signal?: AbortSignal;
}

/**
 * The bytes that are stored at present.
 *
 * @returns A stream that fails with `not_found`, `replaced`, `range`, or `bad_request` for an unknown option.
 */
export function readStored(
  { store, reporter }: Pick<Service, "store" | "reporter">,
  name: string,
  options: LocalReadOptions,
): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let isCancelled = false;
  const open = async (): Promise<ReadableStreamDefaultReader<Uint8Array>> => {
    checkNames(options, { from: true, to: true, generation: true, signal: true }, "read");
    const { from = 0, generation, signal } = options;
    checkBytes({ from, to: options.to }, "read");
    const { found, to } = await lookAgain(store, async () => {
      const found = await store.stat(name);
      if (!found) throw notFound(name);
      checkGeneration(name, generation, found.generation);
      const to = Math.min(options.to ?? found.size, found.size);
      checkRange(name, from, to, found.size);
      return { found, to };
    });
    return store.read(name, from, to, signal, found.generation || undefined).getReader();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= await open();
        // The caller may leave while the resource is looked up.
        if (isCancelled) return reader.cancel();
        const { done, value } = await reader.read();
        if (done) return controller.close();
        reporter.traffic.read("local", value.length);
        controller.enqueue(value);
      },
      cancel(reason) {
        isCancelled = true;
        return reader?.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The refusal of a path that does not exist. */
export function notFound(path: string): StreamError {
  return new StreamError("not_found", `"/${path}" does not exist.`, { path });
}

function checkRange(path: string, from: number, to: number, size: number): void {
  if (from <= to) return;
  const code = from > size ? "range" : "bad_request";
  throw new StreamError(code, `"/${path}" has no bytes from ${from} to ${to}: its size is ${size} bytes.`, { path });
}
