/**
 * Appends to and follows a path of the server at the URL in the first argument, with the schemes `https` and `wss`.
 * @module
 */
import process from "node:process";
import { append, follow } from "../../src/client/mod.ts";

const https = `${process.argv[2]}/${process.pid}`;
const wss = https.replace("https:", "wss:");
await append(https, "over TLS, ");
await append(wss, "over TLS");
for await (const bytes of follow(wss)) process.stdout.write(bytes);
