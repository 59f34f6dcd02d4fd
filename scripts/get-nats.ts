/**
 * Prints the path of a nats-server, which it fetches if there is none: `npm run nats`.
 * @module
 */
import process from "node:process";
import { natsServer } from "./lib/nats-server.ts";

const found = natsServer();
if ("path" in found) {
  console.log(found.path);
} else {
  console.error(`get-nats: ${found.missing}`);
  process.exitCode = 1;
}
