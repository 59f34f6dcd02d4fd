/**
 * A process that claims a path of a root and executes commands from standard input, one per line: `append TEXT`,
 * `announce REASON`, `release REASON`. It prints one line about the claim and one per command.
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { EndReason } from "../../../src/protocol/end-reason.ts";
import { StreamError } from "../../../src/protocol/errors.ts";
import { fileStore } from "../../../src/stores/file/store.ts";

const [root = "", path = ""] = process.argv.slice(2);
const store = fileStore({ root });

async function execute(line: string, handle: Awaited<ReturnType<typeof store.claim>>): Promise<string> {
  const [verb = "", ...words] = line.split(" ");
  if (verb === "append") return `size ${await handle.append(Buffer.from(words.join(" ")))}`;
  if (verb === "announce") {
    await handle.leaveEndMarker?.(words[0] as EndReason);
    return "announced";
  }
  if (verb !== "release") throw new Error(`unknown: ${line}`);
  await handle.release(words[0] as EndReason);
  return "released";
}

try {
  const handle = await store.claim(path);
  console.log(`claimed at ${handle.offset}`);
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(await execute(line, handle).catch((error: unknown) => `refused ${StreamError.from(error).code}`));
  }
} catch (error) {
  console.log(`refused ${StreamError.from(error).code}`);
}
