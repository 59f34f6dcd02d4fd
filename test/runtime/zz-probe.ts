import { spawn } from "node:child_process";
import { once } from "node:events";
import { startMounted } from "../fixture/servers.ts";

const server = await startMounted("deno");
const child = spawn(
  process.execPath,
  [
    "--import",
    "tsx",
    "--test-name-pattern",
    process.argv[2] ?? ".",
    "--test-reporter=spec",
    "test/contract/wire/run.ts",
    server.url + "/deep/er/streams",
    "raw text frames",
    "text appends",
    "close codes",
    "dot segments",
  ],
  { stdio: ["ignore", "pipe", "pipe"] },
);
let out = "";
child.stdout.on("data", (d) => (out += d));
child.stderr.on("data", (d) => (out += d));
await once(child, "close");
console.log(
  out
    .split("\n")
    .filter((l) => /^ℹ (pass|fail)/.test(l))
    .join(" "),
);
const t = Date.now();
console.log("stop", await server.stop().catch((e) => e.message), Date.now() - t);
process.exit();
