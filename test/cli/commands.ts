/**
 * Runs the commands as child processes.
 * @module
 */
import { join } from "node:path";
import { after } from "node:test";
import { type Exit, executable, PROJECT, Program, type Runtime, scriptArguments } from "../fixture/processes.ts";
import { within } from "../fixture/until.ts";

/** All started programs. One that a failed test leaves behind must not keep the test process alive. */
const launched: Program[] = [];
after(() => {
  for (const { child } of launched) child.kill("SIGKILL");
});

/** A command that runs or has exited. */
export interface Command extends Program {
  /** Waits until it has exited. */
  end(): Promise<Exit>;
}

/** Starts `httpfstream ...args` on a runtime, through `mod.ts`. */
export async function start(runtime: Runtime, args: readonly string[], env?: Record<string, string>): Promise<Command> {
  return launch(runtime, "mod.ts", args, env);
}

/** Starts one of the installed programs, on Node. */
export async function startProgram(
  name: string,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<Command> {
  return launch("node", join("src", "cli", "bin", `${name}.ts`), args, env);
}

/** Runs `httpfstream ...args` to its end, with `input` on standard input. Default runtime: Bun, which starts faster. */
export async function command(
  args: readonly string[],
  { input = "", runtime = "bun" }: { input?: string | Uint8Array; runtime?: Runtime } = {},
): Promise<Command & { exit: Exit }> {
  const program = await start(runtime, args);
  void program.write(input);
  program.endInput();
  return Object.assign(program, { exit: await program.end() });
}

async function launch(
  runtime: Runtime,
  script: string,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<Command> {
  const line = [...scriptArguments(runtime, script), ...args];
  const program = new Program(await executable(runtime), line, { cwd: PROJECT, ...(env && { env }) });
  launched.push(program);
  const end = (): Promise<Exit> =>
    within(program.exited, `${args.join(" ")} to end`).catch(async (error: unknown) => {
      throw await program.killed(error);
    });
  return Object.assign(program, { end });
}
