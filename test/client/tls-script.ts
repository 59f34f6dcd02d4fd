/**
 * Appends and follows at the URL that is named, with both of its schemes.
 * @module
 */
import process from "node:process";
import { append, follow } from "../../src/client/mod.ts";

const https = `${process.argv[2]}/${process.pid}`;
const wss = https.replace("https:", "wss:");
await append(https, "over TLS, ");
await append(wss, "over TLS");
for await (const bytes of follow(wss)) process.stdout.write(bytes);
