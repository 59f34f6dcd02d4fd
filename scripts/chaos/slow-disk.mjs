/**
 * Preloaded into a server. While the file named by the environment variable CHAOS_SLOW_DISK exists, writes and flushes
 * through file handles wait, as with a disk that does not answer.
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
