/**
 * Questions between nodes about the paths that they own. They only save time: the records decide.
 * @module
 */
import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Layout } from "../layout/layout.ts";

/** Milliseconds that a node has for its answer. */
const ANSWER_MS = 200;

/** Milliseconds that a node has for its answer about folders. They are asked for once, so a slow node gets more time. */
const FOLDERS_MS = 1_600;

/**
 * `held`: do you own the path, which I want to claim? `holds`: do you own it, which I follow? `handover`: release it, for me.
 * `withdraw`: I no longer want it. `wanted`: have you requested it, and do you still want it? `taken`: I have taken it from you.
 */
export type QuestionKind = "held" | "holds" | "handover" | "withdraw" | "wanted" | "taken";

/** A question about a path. */
export interface Question {
  readonly kind: QuestionKind;
  readonly path: string;
  /** The node that asks. */
  readonly node: string;
  /** The sequence of the claim that it is about. Default: any. */
  readonly claim?: number;
}

/** A question about the folders in a folder: below which of them do you own paths? */
interface FolderQuestion {
  readonly kind: "below";
  readonly path: string;
}

/** What a node knows of the paths that it owns. */
export interface Answerer {
  answer(question: Question): Answer;
  /** Answers with the names of folders. */
  below(folder: string): Iterable<string>;
}

/** `ending`: yes, but the append is about to end. */
export type Answer = "yes" | "ending" | "no";

/** The answer of a node; `silent` if it did not come in time, `absent` if no such node is connected. */
export type Outcome = Answer | "silent" | "absent";

const KINDS: ReadonlySet<unknown> = new Set<QuestionKind>(["held", "holds", "handover", "withdraw", "wanted", "taken"]);
const ANSWERS: ReadonlySet<unknown> = new Set<Answer>(["yes", "ending", "no"]);

/** Asks a node. Never rejects. */
export async function ask(
  connection: NatsConnection,
  layout: Layout,
  node: string,
  question: Question,
): Promise<Outcome> {
  try {
    const reply = await connection.request(layout.own(node), JSON.stringify(question), { timeout: ANSWER_MS });
    const answer = reply.string();
    return ANSWERS.has(answer) ? (answer as Answer) : "silent";
  } catch (error) {
    return isAbsence(error) ? "absent" : "silent";
  }
}

/** Asks a node below which folders in a folder it owns paths. Never rejects: without an answer, there are none. */
export async function askBelow(
  connection: NatsConnection,
  layout: Layout,
  node: string,
  folder: string,
): Promise<string[]> {
  const question: FolderQuestion = { kind: "below", path: folder };
  try {
    const reply = await connection.request(layout.own(node), JSON.stringify(question), { timeout: FOLDERS_MS });
    const names: unknown = reply.json();
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}

/** Answers the questions to this node. */
export function answerQuestions(
  connection: NatsConnection,
  layout: Layout,
  node: string,
  claims: Answerer,
): Subscription {
  return connection.subscribe(layout.own(node), {
    callback: (error, message) => {
      if (error) return;
      const question = questionIn(message.data);
      if (question?.kind === "below") message.respond(JSON.stringify([...claims.below(question.path)]));
      else if (question) message.respond(claims.answer(question));
    },
  });
}

function questionIn(data: Uint8Array): Question | FolderQuestion | undefined {
  try {
    const question = JSON.parse(new TextDecoder().decode(data)) as Partial<Question> | FolderQuestion;
    if (question.kind === "below") return typeof question.path === "string" ? question : undefined;
    const isWhole = KINDS.has(question.kind) && typeof question.path === "string" && typeof question.node === "string";
    return isWhole ? (question as Question) : undefined;
  } catch {
    // Not from one of us.
    return undefined;
  }
}

function isAbsence(error: unknown): boolean {
  const { name, cause } = error as { name?: string; cause?: { name?: string } };
  return name === "NoResponders" || cause?.name === "NoResponders";
}
