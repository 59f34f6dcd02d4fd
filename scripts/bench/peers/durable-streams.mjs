/** The reference server of Durable Streams, storing in a folder or in memory: `node durable-streams.mjs PORT [FOLDER]`. */
import process from "node:process";
import { DurableStreamTestServer } from "@durable-streams/server";

const [port, dataDir] = process.argv.slice(2);
await new DurableStreamTestServer({ port: Number(port), host: "127.0.0.1", dataDir, compression: false }).start();
process.once("SIGTERM", () => process.exit(0));
