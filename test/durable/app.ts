/** Streams on one server without a network, and requests to it. */
import assert from "node:assert/strict";
import { after } from "node:test";
import { createStreams, type FstreamOptions, memoryStore, type Streams } from "../../src/index.ts";
import { within } from "../fixture/until.ts";

const open: Streams[] = [];

after(async () => {
  await Promise.all(open.map((streams) => streams.shutdown()));
});

/** Streams in memory, which are shut down at the end. */
export function rig(options: FstreamOptions = {}): Streams {
  const streams = createStreams({ store: memoryStore(), ...options });
  open.push(streams);
  return streams;
}

/** Sends a request. */
export async function send(
  { app }: Pick<Streams, "app">,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string | ReadableStream<Uint8Array>,
): Promise<Response> {
  const init = {
    method,
    headers: { Host: "localhost", ...headers },
    duplex: "half",
    ...(body !== undefined && { body }),
  };
  return await app.request(`http://localhost/${path}`, init as RequestInit);
}

/** Sends a request, and expects a status. */
export async function expectStatus(status: number, ...request: Parameters<typeof send>): Promise<Response> {
  const response = await send(...request);
  assert.equal(
    response.status,
    status,
    `${request[1]} /${request[2]}: ${response.status < 300 ? "" : await response.text()}`,
  );
  return response;
}

/** A body that ends when the test says so. */
export function openBody(first: string): { body: ReadableStream<Uint8Array>; end(): void } {
  let end = (): void => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Buffer.from(first));
      end = () => controller.close();
    },
  });
  return { body, end: () => end() };
}

/** Reads a body until it contains a text. */
export async function readUntil(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  text: string,
  seen = "",
): Promise<string> {
  let all = seen;
  while (!all.includes(text)) {
    const { done, value } = await within(reader.read(), `${text} in ${all}`);
    if (done) throw new Error(`the body ended with ${all}`);
    all += Buffer.from(value).toString();
  }
  return all;
}
