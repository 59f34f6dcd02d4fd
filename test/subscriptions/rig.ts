/** Subscriptions on one server without a network, whose clock and whose receivers are those of the test. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { LogEvent } from "../../src/engine/events.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { memoryStore } from "../../src/index.ts";
import { platform } from "../../src/runtime/other.ts";
import { createApp, type StreamApp } from "../../src/server/app.ts";
import { type AppOptions, partsOf } from "../../src/server/options.ts";
import { OPTION_HINTS } from "../../src/server/request/refusal-hints.ts";
import { untilByTurns } from "../fixture/until.ts";
import { HeldSender, type Received } from "../fixture/webhooks.ts";

/** Milliseconds that the clock moves at once. */
const STEP_MS = 50;

/** What a server has answered. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into the answers of all requests.
  readonly json: any;
  readonly headers: Headers;
}

/** A server whose clock stands still until the test moves it. */
export class Rig {
  readonly sender: HeldSender = new HeldSender();
  readonly app: StreamApp;
  readonly events: LogEvent[] = [];
  readonly #context: TestContext;

  constructor(context: TestContext, options: AppOptions & { store?: Store } = {}) {
    context.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1) });
    const { store = memoryStore(), ...rest } = options;
    this.#context = context;
    this.app = createApp({
      ...partsOf({ log: (event) => this.events.push(event), ...rest }),
      hints: OPTION_HINTS,
      store,
      sender: this.sender,
      platform: async () => platform,
    });
    context.after(() => this.app.close());
  }

  async send(method: string, path: string, value?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await this.app.request(`http://localhost/${path}`, {
      method,
      headers: { Host: "localhost", "Content-Type": "application/json", ...headers },
      ...(value !== undefined && { body: JSON.stringify(value) }),
    });
    const text = await response.text();
    const isJson = text !== "" && (response.headers.get("Content-Type")?.includes("json") ?? false);
    return { status: response.status, json: isJson ? JSON.parse(text) : text, headers: response.headers };
  }

  /** Sends a request, and expects a status. */
  async expect(status: number, ...request: Parameters<Rig["send"]>): Promise<Answer> {
    const answer = await this.send(...request);
    assert.equal(answer.status, status, `${request[0]} /${request[1]}: ${JSON.stringify(answer.json)}`);
    return answer;
  }

  /** Creates a webhook. */
  subscribe(id: string, more: Record<string, unknown> = {}): Promise<Answer> {
    const body = { type: "webhook", pattern: "events/*", webhook: { url: `https://hooks.example/${id}` }, ...more };
    return this.expect(201, "PUT", `__ds/subscriptions/${id}`, body);
  }

  /** Creates a stream of JSON. */
  create(path: string, value: unknown = { n: 0 }): Promise<Answer> {
    return this.expect(201, "PUT", path, value);
  }

  append(path: string, value: unknown = { n: 1 }): Promise<Answer> {
    return this.expect(204, "POST", path, value);
  }

  /** Sends what the worker of a webhook says. */
  callback({ body }: Received, more: Record<string, unknown> = {}): Promise<Answer> {
    const { wake_id, generation, callback_token } = body;
    const path = new URL(body.callback_url).pathname.slice(1);
    return this.send("POST", path, { wake_id, generation, ...more }, { Authorization: `Bearer ${callback_token}` });
  }

  /** Lets everything happen that needs no time. What needs cryptography may take longer: see {@link until}. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 20; turns++) await turn();
  }

  /** Waits, while the clock stands still, until a condition is true. */
  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    return untilByTurns(what, condition);
  }

  /** The next webhook, while the clock stands still. */
  async received(): Promise<Received> {
    await this.until("a webhook", () => this.sender.waiting > 0);
    return this.sender.next();
  }

  /** Moves the clock. */
  async pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= STEP_MS) {
      this.#context.mock.timers.tick(Math.min(STEP_MS, left));
      await this.settle();
    }
  }

  /** The subscription as the server tells it. */
  async shown(id: string): Promise<Answer["json"]> {
    return (await this.expect(200, "GET", `__ds/subscriptions/${id}`)).json;
  }
}
