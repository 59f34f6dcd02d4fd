/**
 * The reference server of Durable Streams, storing in a folder: `node durable-streams.mjs FOLDER`.
 */
import { DurableStreamTestServer } from "@durable-streams/server";

const server = new DurableStreamTestServer({
  port: 0,
  host: "127.0.0.1",
  dataDir: process.argv[2],
  compression: false,
});
console.log(await server.start());
process.once("SIGTERM", () => process.exit(0));
