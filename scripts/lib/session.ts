/**
 * Records the session that the picture in the README shows: a server, an append and a follow.
 * @module
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./install.mjs";
import { Recorder, type TerminalOptions } from "./terminal-recording.ts";
import type { Pane } from "./terminal-svg.ts";

/** The output of the build, one line per step. */
const STEPS = ["cc -c parse.c", "cc -c eval.c", "cc -c main.c", "cc -o calc parse.o eval.o main.o", "ok: 42 tests"];

/** A build in which each step waits until a file named by the step's number exists. */
const MAKEFILE = `all:\n${STEPS.map((step, at) => `\t@until [ -e ${at} ]; do sleep 0.05; done; echo '${step}'\n`).join("")}`;

/** Milliseconds between two steps, so that a viewer can follow. */
const PACE_MS = 700;

/** Columns and rows of the terminals. The upper one is as wide as the two below it plus the gap between them. */
const LOWER = { columns: 66, rows: 8 };
const UPPER = { columns: 136, rows: 7 };

/** Records the session. Replaces the random port and temporary folder by those that a user would see. */
export async function recordSession(): Promise<Pane[]> {
  const home = await mkdtemp(join(tmpdir(), "httpfstream-session-"));
  const recorder = new Recorder(home);
  try {
    const port = await prepare(home);
    const env = {
      PATH: `${join(home, "bin")}${delimiter}${process.env["PATH"]}`,
      HTTPFSTREAM_HTTP: `127.0.0.1:${port}`,
    };
    const cwd = join(home, "ada");
    const terminal = (size: Pick<TerminalOptions, "columns" | "rows">): ReturnType<Recorder["open"]> =>
      recorder.open({ ...size, cwd, env });
    const [server, append, follow] = [terminal(UPPER), terminal(LOWER), terminal(LOWER)];
    for (const opened of [server, append, follow]) await opened.shows(/^\$/);

    server.type("httpfstream serve");
    await server.shows(/serving/);
    append.type(`make | httpfstream append -v http://localhost:${port}/build/42.log`);
    await server.shows(/append begins/);
    for (const [index, step] of STEPS.entries()) {
      await sleep(PACE_MS);
      await writeFile(join(cwd, String(index)), "");
      if (index === 1) follow.type(`httpfstream follow http://localhost:${port}/build/42.log`);
      if (index > 0) await follow.shows(new RegExp(`^${step}$`, "m"));
    }
    for (const pattern of [/append ends/, /follow ends/]) await server.shows(pattern);
    for (const ended of [append, follow]) await ended.shows(/\n\$$/);

    const shown = (text: string): string => text.replaceAll(String(port), "8080").replaceAll(home, "/home");
    const times = shortened([server, append, follow].flatMap(({ changes }) => changes.map(({ atMs }) => atMs)));
    const changes = (recorded: typeof server): Pane["changes"] =>
      recorded.changes.map(({ atMs, row, text }) => ({ atMs: times.get(atMs) ?? atMs, row, text: shown(text) }));
    const panes = [
      { title: "the server", column: 0, row: 0, ...UPPER, changes: changes(server) },
      { title: "the appender", column: 0, row: UPPER.rows, ...LOWER, changes: changes(append) },
      {
        title: "a follower who came later",
        column: LOWER.columns,
        row: UPPER.rows,
        ...LOWER,
        changes: changes(follow),
      },
    ];
    // A server that still runs would write to the folder while it is removed.
    server.interrupt();
    await server.shows(/\n\$$/);
    return panes;
  } finally {
    await recorder.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Maps recorded times to shown times: starts at zero and shortens waits to at most {@link PACE_MS}. */
function shortened(atMs: readonly number[]): Map<number, number> {
  const times = new Map<number, number>();
  let [last = 0, shown = 0]: number[] = [Math.min(...atMs)];
  for (const time of [...atMs].sort((one, other) => one - other)) {
    shown += Math.min(time - last, PACE_MS);
    last = time;
    times.set(time, shown);
  }
  return times;
}

/** Creates the command and the folder with the build, and returns a free port. */
async function prepare(home: string): Promise<number> {
  const command = join(home, "bin", "httpfstream");
  await mkdir(join(home, "bin"));
  await mkdir(join(home, "ada"));
  await writeFile(join(home, "ada", "Makefile"), MAKEFILE);
  await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/scripts/run.mjs" mod.ts "$@"\n`);
  await chmod(command, 0o755);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
