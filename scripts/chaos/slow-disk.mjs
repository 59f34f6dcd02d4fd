/**
 * Loaded into a server before anything else: while the file CHAOS_SLOW_DISK exists, nothing that is written to a file
 * arrives, nor is it flushed. What is asked for waits, as with a disk that does not answer.
 */
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import process from "node:process";

const SWITCH = process.env.CHAOS_SLOW_DISK;
const LOOK_MS = 20;

if (SWITCH) {
  const handle = await open(process.execPath);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  for (const name of ["write", "datasync", "sync"]) {
    const real = prototype[name];
    prototype[name] = async function (...args) {
      while (existsSync(SWITCH)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      return await real.apply(this, args);
    };
  }
}
