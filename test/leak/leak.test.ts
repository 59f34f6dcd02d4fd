/** Appends, follows and aborts leave no memory and no handle behind, and a closed server lets its process end. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { NO_DESCRIPTORS } from "../fixture/descriptors.ts";
import { Program, scriptArguments } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until, within } from "../fixture/until.ts";

const WORKLOAD = join("test", "leak", "workload.ts");

interface Measure {
  heapUsed: number;
  external: number;
  resources: Record<string, number>;
  descriptors: string[];
}

/** The workload's process. */
class Worker {
  readonly program: Program;
  #answers = 0;

  constructor(root: string) {
    this.program = new Program(process.execPath, ["--expose-gc", ...scriptArguments("node", WORKLOAD), root]);
  }

  /** Sends a command, and waits for the answer. */
  async ask(order: string): Promise<Measure> {
    await this.program.write(`${order}\n`);
    const line = await until(
      `the answer to "${order}"`,
      () => {
        const lines = this.program.stdout.bytes().toString().split("\n");
        // The last answer may arrive together with the end of the output.
        if (lines.length > this.#answers + 1) return lines[this.#answers];
        if (this.program.stdout.ended) throw new Error(`it ended:\n${this.program.output}`);
        return undefined;
      },
      120_000,
    );
    this.#answers++;
    return JSON.parse(line) as Measure;
  }
}

test("many rounds of appends, follows and aborts leave nothing behind", {
  timeout: 240_000,
  ...(NO_DESCRIPTORS && { skip: NO_DESCRIPTORS }),
}, async () => {
  const root = await temporaryFolder("leak");
  const worker = new Worker(root);
  try {
    // Fills caches and pools first.
    await worker.ask("work 30");
    const before = await quiet(worker, "at first", Number.POSITIVE_INFINITY);
    await worker.ask("work 60");
    const after = await quiet(worker, "after the work", before.descriptors.length);
    // 60 rounds make about 900 connections, so a leak per connection is visible.
    const grown = after.heapUsed - before.heapUsed;
    assert.ok(grown < 1_500_000, `the heap has grown by ${grown} bytes`);
    assert.ok(after.external - before.external < 3_000_000, `${before.external} -> ${after.external} bytes outside it`);
    await worker.ask("close");
    const exit = await within(worker.program.exited, "the process to end by itself");
    assert.deepEqual(exit, { code: 0, signal: null }, worker.program.output);
    const left = readdirSync(join(root, ".httpfstream"), { recursive: true, withFileTypes: true });
    assert.deepEqual(
      left.filter((entry) => entry.isFile() && basename(entry.parentPath) !== "streams").map(({ name }) => name),
      [],
      "nothing is left in the reserved folder but what is remembered of paths",
    );
  } finally {
    await worker.program.stop("SIGKILL");
    await removeFolder(root);
  }
});

/** Waits until only the server and the pipes to this process are open: no socket, no timer, no file. */
async function quiet(worker: Worker, when: string, mostDescriptors: number): Promise<Measure> {
  let last: Measure | undefined;
  const isQuiet = async (): Promise<Measure | undefined> => {
    last = await worker.ask("measure");
    const open = Object.keys(last.resources).filter((name) => name !== "PipeWrap");
    return open.join() === "TCPServerWrap" && last.descriptors.length <= mostDescriptors ? last : undefined;
  };
  return await until(`the process to be quiet ${when}`, isQuiet).catch((error: unknown) => {
    throw new Error(`It has still open: ${JSON.stringify(last)}`, { cause: error });
  });
}

test("an app that was never served, and one that was closed by its signal, let the process end", async () => {
  const source = `
    import { fstream } from "./mod.ts";
    import { mkdtempSync } from "node:fs";
    const controller = new AbortController();
    const root = mkdtempSync("/tmp/httpfstream-idle-");
    fstream({ root });
    const app = fstream({ root, signal: controller.signal });
    await app.request("/");
    controller.abort();
    await app.close();
    console.log(root, (await app.request("/")).status);
  `;
  const program = new Program(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source]);
  const exit = await within(program.exited, "the process to end by itself");
  assert.equal(exit.code, 0, program.output);
  const [root = "", status] = program.stdout.bytes().toString().trim().split(" ");
  assert.equal(status, "503");
  await removeFolder(root);
});
