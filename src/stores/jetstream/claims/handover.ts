/**
 * Requests a path from the node that owns it.
 * @module
 */
import { ask, type QuestionKind } from "../nodes/questions.ts";
import { isClaimed, isFile } from "../records/record.ts";
import type { Core } from "./core.ts";

/**
 * Requests a path; see {@link Store.requestHandover}. When the owner releases the path, it reserves it for this node:
 * until the request is withdrawn, no other node claims it.
 *
 * @throws {StreamError} what reading throws.
 */
export async function requestHandover(core: Core, path: string): Promise<() => Promise<void>> {
  const forget = core.ownClaims.want(path);
  try {
    const { stored } = await core.tails.of(core.layout.placeOf(path));
    const record = stored?.record;
    const owner = isFile(record) && isClaimed(record) && record.node !== core.node ? record.node : undefined;
    const tell = async (kind: QuestionKind): Promise<void> => {
      if (owner) await ask(core.calls.connection, core.layout, owner, { kind, path, node: core.node });
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
