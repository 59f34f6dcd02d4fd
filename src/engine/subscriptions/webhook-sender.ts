/**
 * The network for subscriptions, which is not the same on all runtimes.
 * @module
 */

/** A webhook to send. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Milliseconds for all of it: the resolution of the name, the connection and the answer. */
  readonly timeoutMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** The answer to a webhook. */
export interface WebhookAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends webhooks. */
export interface WebhookSender {
  /**
   * Checks where a URL leads, before a subscription is created.
   *
   * @returns A sentence that says why webhooks may not be sent there; undefined if they may.
   */
  check(url: string): Promise<string | undefined>;
  /**
   * Checks the address again, and sends a webhook to it. No redirect is followed.
   *
   * @throws An error whose message says what went wrong.
   */
  send(request: WebhookRequest): Promise<WebhookAnswer>;
}
