/**
 * Requests a path from the node that holds it.
 * @module
 */
import { ask, type QuestionKind } from "../nodes/questions.ts";
import { isFile, isHolding } from "../records/record.ts";
import type { Core } from "./core.ts";

/**
 * Requests a path; see {@link Store.requestHandover}. The node that holds it names this one when it releases the path: until the
 * request is withdrawn, no other node claims it.
 *
 * @throws {StreamError} what reading throws.
 */
export async function requestHandover(core: Core, path: string): Promise<() => Promise<void>> {
  const forget = core.held.want(path);
  try {
    const { stored } = await core.tails.of(core.layout.placeOf(path));
    const record = stored?.record;
    const holder = isFile(record) && isHolding(record) && record.node !== core.node ? record.node : undefined;
    const tell = async (kind: QuestionKind): Promise<void> => {
      if (holder) await ask(core.calls.connection, core.layout, holder, { kind, path, node: core.node });
    };
    await tell("handover");
    return async () => {
      forget();
      await tell("withdraw");
    };
  } catch (error) {
    forget();
    throw error;
  }
}
