/**
 * The control paths of subscriptions: permissions, and answers.
 *
 * The gate is asked about the control path itself, and about every path of a subscription. The worker of a wake shows
 * the token of the wake instead: it has no other one, and the token allows nothing else.
 * @module
 */

import type { SubscriptionConfig, SubscriptionName } from "../../../engine/storage/subscription-record.ts";
import type { SubscriptionActions, WorkerRequest } from "../../../engine/subscriptions/actions.ts";
import { SubscriptionError } from "../../../engine/subscriptions/subscription-error.ts";
import { below, CONTROL_SEGMENT } from "../../../engine/subscriptions/watched-paths.ts";
import { codeOfStatus, StreamError } from "../../../protocol/errors.ts";
import type { Action } from "../../gate/gate.ts";
import { reportRefusal } from "../../service/log-request.ts";
import { passGate } from "../../service/pass-gate.ts";
import type { Exchange, Service } from "../../service/service.ts";
import { inPlaceUnlessShort } from "../in-place.ts";
import { readBody } from "../read-body.ts";
import { claimAnswer, errorAnswer, jsonAnswer, keySet, noContent, subscriptionAnswer } from "./control-answers.ts";
import { type Body, configOf, parseBody, pathsIn, workerIn, workerRequest } from "./control-body.ts";
import type { ControlPath } from "./control-path.ts";
import { probesOf } from "./pattern-probes.ts";

/** A request for a control path. */
export interface ControlRequest {
  readonly exchange: Exchange;
  /** The request; undefined for an unknown path. */
  readonly control: ControlPath | undefined;
  /** The folder that the paths of the subscription are relative to; empty for the root folder. */
  readonly root: string;
  /** The URL of that folder, without a trailing slash. */
  readonly baseUrl: string;
}

/** Maximum bytes of a body. */
const BODY_BYTES = 1024 * 1024;

const METHODS: Readonly<Record<ControlPath["what"], readonly string[]>> = {
  keys: ["GET", "HEAD"],
  subscription: ["GET", "HEAD", "PUT", "DELETE"],
  streams: ["POST"],
  stream: ["DELETE"],
  callback: ["POST"],
  claim: ["POST"],
  ack: ["POST"],
  release: ["POST"],
};

/**
 * The actions that the gate must allow on the control path, by method. Workers show the tokens of their wakes instead.
 */
const ACTIONS: Readonly<Record<string, Action>> = { GET: "read", HEAD: "read", PUT: "append", POST: "append" };

/** The answer to a request. */
interface Asked {
  readonly service: Service;
  readonly actions: SubscriptionActions;
  readonly request: ControlRequest;
}

/**
 * The resource path of a control path, for the gate and the log.
 *
 * @example
 * ```ts
 * controlResource("v1/stream", { what: "claim", id: "a" }); // "v1/stream/__ds/subscriptions/a"
 * ```
 */
export function controlResource(root: string, control: ControlPath | undefined): string {
  const rest = control && control.what !== "keys" ? `/subscriptions/${control.id}` : "";
  return below(root, `${CONTROL_SEGMENT}${rest}`);
}

/**
 * Answers a request for a control path.
 *
 * @throws {StreamError} if the gate refuses it, if its body can't be read, and errors of the store.
 */
export async function answerControl(
  service: Service,
  actions: SubscriptionActions,
  request: ControlRequest,
): Promise<Response> {
  const { exchange, control } = request;
  try {
    if (!control) throw new SubscriptionError("SUBSCRIPTION_NOT_FOUND", "There is nothing at this control path.");
    const { method } = exchange.c.req;
    const methods = METHODS[control.what];
    if (!methods.includes(method)) {
      const message = `${method} is not supported here. The methods are ${methods.join(", ")}.`;
      const refused = refuse(service, exchange, new SubscriptionError("METHOD_NOT_ALLOWED", message));
      refused.headers.set("Allow", methods.join(", "));
      return refused;
    }
    return await answer({ service, actions, request }, control);
  } catch (error) {
    if (!(error instanceof SubscriptionError)) throw error;
    return refuse(service, exchange, error);
  }
}

/** Answers with a refusal, and reports it. The access log has the code of the protocol. */
function refuse({ reporter }: Service, { c, details, result, subject }: Exchange, error: SubscriptionError): Response {
  const { status, message } = error;
  const known = new StreamError(codeOfStatus(status) ?? "bad_request", message, { path: subject.path });
  reportRefusal(reporter, c, details, { thrown: error, error: known, status });
  result.refused(error.code);
  return errorAnswer(error);
}

async function answer(asked: Asked, control: ControlPath): Promise<Response> {
  const { actions, request } = asked;
  if (control.what === "keys") return keySet((await actions.subscriptions.keys()).publicKey);
  const name = { root: request.root, id: control.id };
  switch (control.what) {
    case "callback":
    case "ack":
    case "release":
      return work(asked, name, control.what);
    case "subscription":
      return (await askGate(asked)) ?? subscription(asked, name);
    case "streams":
      return (await askGate(asked)) ?? addStreams(asked, name);
    case "stream":
      return (await askGate(asked, "append")) ?? done(actions.removeStream(name, control.path));
    case "claim":
      return (await askGate(asked)) ?? claim(asked, name);
  }
}

/** Asks the gate about the control path. Resolves to a response if the gate answers by itself. */
async function askGate({ service, request }: Asked, action?: Action): Promise<Response | undefined> {
  const { exchange } = request;
  return passGate(service, exchange, action ?? ACTIONS[exchange.c.req.method] ?? "delete");
}

async function subscription(asked: Asked, name: SubscriptionName): Promise<Response> {
  const { actions, request } = asked;
  const { method } = request.exchange.c.req;
  if (method === "PUT") return create(asked, name);
  if (method === "DELETE") return done(actions.remove(name));
  const record = await actions.find(name);
  return subscriptionAnswer(200, record, (await actions.subscriptions.keys()).publicKey);
}

async function create(asked: Asked, name: SubscriptionName): Promise<Response> {
  return withBody(asked, (body) => createOf(asked, name, configOf(body)));
}

async function createOf(asked: Asked, name: SubscriptionName, config: SubscriptionConfig): Promise<Response> {
  const { actions, request } = asked;
  actions.assertFew(config.streams);
  const watched = [...config.streams, ...probesOf(config.pattern)];
  const refused =
    (await askForEach(asked, "read", watched)) ??
    (config.wakeStream === undefined ? undefined : await askForEach(asked, "append", [config.wakeStream]));
  if (refused) return refused;
  const { record, isNew } = await actions.create(name, config, request.baseUrl);
  return subscriptionAnswer(isNew ? 201 : 200, record, (await actions.subscriptions.keys()).publicKey);
}

async function addStreams(asked: Asked, name: SubscriptionName): Promise<Response> {
  return withBody(asked, async (body) => {
    const paths = [...new Set(pathsIn(body))];
    asked.actions.assertFew(paths);
    const refused = await askForEach(asked, "read", paths);
    return refused ?? done(asked.actions.addStreams(name, paths));
  });
}

/** Asks the gate about streams. */
async function askForEach(
  { service, request: { exchange, root } }: Asked,
  action: Action,
  paths: readonly string[],
): Promise<Response | undefined> {
  for (const path of paths) {
    const response = await passGate(service, exchange, action, below(root, path));
    if (response) return response;
  }
  return undefined;
}

async function claim(asked: Asked, name: SubscriptionName): Promise<Response> {
  return withBody(asked, async (body) => claimAnswer(await asked.actions.claim(name, workerIn(body))));
}

/** The request of the worker of a wake. Anyone may send it, so nothing is read before its token is checked. */
async function work(asked: Asked, name: SubscriptionName, what: "callback" | "ack" | "release"): Promise<Response> {
  const { actions, request } = asked;
  const [, token] = /^bearer +(\S+)$/i.exec(request.exchange.c.req.header("Authorization") ?? "") ?? [];
  if (token === undefined) {
    throw new SubscriptionError("TOKEN_INVALID", 'The request needs the token of its wake: "Authorization: Bearer …".');
  }
  await actions.checkToken(name, token);
  return withBody(asked, async (body) => {
    const said: WorkerRequest = workerRequest(body, token);
    if (what === "release") return done(actions.release(name, said));
    const next = await actions.acknowledge(name, what === "ack" ? "pull-wake" : "webhook", said);
    return jsonAnswer(200, { ok: true, next_wake: next });
  });
}

async function done(work: Promise<void>): Promise<Response> {
  await work;
  return noContent();
}

/** Reads the body, which takes a slot among the connections unless it is short. */
async function withBody(asked: Asked, respond: (body: Body) => Promise<Response>): Promise<Response> {
  const { service, request } = asked;
  const { exchange } = request;
  return inPlaceUnlessShort(service, exchange, async () => {
    const bytes = await readBody(service, exchange, BODY_BYTES).catch((error: unknown) => {
      if (!(error instanceof StreamError) || error.code !== "too_large") throw error;
      throw new SubscriptionError("INVALID_REQUEST", error.message);
    });
    return respond(parseBody(bytes));
  });
}
