/**
 * The refusals of the control paths of subscriptions, with the codes of the protocol.
 * @module
 */

/** The statuses of the codes. */
export const SUBSCRIPTION_CODES = {
  INVALID_REQUEST: 400,
  WEBHOOK_URL_REJECTED: 400,
  TOKEN_INVALID: 401,
  SUBSCRIPTION_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  SUBSCRIPTION_ALREADY_EXISTS: 409,
  ALREADY_CLAIMED: 409,
  FENCED: 409,
  INVALID_OFFSET: 409,
  NO_PENDING_WORK: 409,
  TOO_MANY: 429,
} as const;

/** One of the codes. */
export type SubscriptionCode = keyof typeof SUBSCRIPTION_CODES;

/** A request for a subscription is refused. */
export class SubscriptionError extends Error {
  override readonly name = "SubscriptionError";
  readonly code: SubscriptionCode;
  /** More members of the answer. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: SubscriptionCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return SUBSCRIPTION_CODES[this.code];
  }
}

/** The refusal for a subscription that does not exist. */
export function noSubscription(id: string): SubscriptionError {
  return new SubscriptionError("SUBSCRIPTION_NOT_FOUND", `There is no subscription ${JSON.stringify(id)}.`);
}
