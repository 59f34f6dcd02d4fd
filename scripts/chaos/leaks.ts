/**
 * Checks that servers have released descriptors, memory and paths after the faults have stopped.
 * @module
 */
import { descriptors, NO_DESCRIPTORS, residentBytes } from "../../test/fixture/descriptors.ts";
import { until } from "../../test/fixture/until.ts";
import type { Fleet } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";
import { OWN_PATHS, ownPath } from "./pipeline.ts";

/** How many descriptors an idle server may have: those of its runtime, and the folders that it holds open. */
const MAX_DESCRIPTORS = 160;

/** How much resident memory an idle server may have, in bytes. */
const MAX_BYTES = 700 * 1024 * 1024;

/** Milliseconds within which everything must be released. */
const PATIENCE_MS = 30_000;

/** Milliseconds within which a server must answer. */
const ANSWER_MS = 20_000;

/** Checks every server, and reports what it has not released as problems. */
export async function expectNoLeaks(fleet: Fleet, ledger: Ledger): Promise<void> {
  for (let server = 0; server < fleet.size; server++) {
    const port = fleet.port(server);
    if (port !== undefined) await expectFree(`http://127.0.0.1:${port}`, ledger);
  }
  if (NO_DESCRIPTORS !== undefined) return;
  for (const pid of fleet.pids) {
    const few = (): boolean => descriptors(pid).length <= MAX_DESCRIPTORS;
    await until("descriptors to be given back", few, PATIENCE_MS).catch(() => {
      ledger.problem(`process ${pid} keeps ${descriptors(pid).length} descriptors:\n${kindsOf(pid)}`);
    });
    const bytes = residentBytes(pid);
    if (bytes > MAX_BYTES) ledger.problem(`process ${pid} keeps ${Math.round(bytes / 1e6)} MB of memory`);
  }
}

/** Checks that the paths of clients that have left can be appended to. */
async function expectFree(url: string, ledger: Ledger): Promise<void> {
  for (let at = 0; at < OWN_PATHS; at++) {
    const append = async (): Promise<boolean> => {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const response = await fetch(`${url}/${ownPath(at)}?verb=APPEND`, { method: "POST", body: "the last", signal });
      await response.arrayBuffer();
      return response.ok;
    };
    await until("a path to be free", append, PATIENCE_MS).catch((error: Error) => {
      ledger.problem(`/${ownPath(at)}, whose appenders have gone, is not free: ${error.message}`);
    });
  }
}

/** Lists the ten most frequent kinds of descriptors of a process, with their counts. */
function kindsOf(pid: number): string {
  const kinds = new Map<string, number>();
  for (const target of descriptors(pid)) {
    const kind = target.replace(/[[\d\]]+$/, "");
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const top = [...kinds].sort(([, one], [, other]) => other - one).slice(0, 10);
  return top.map(([kind, count]) => `${count} ${kind}`).join("\n");
}
