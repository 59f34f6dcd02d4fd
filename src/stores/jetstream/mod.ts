/**
 * A store on NATS JetStream, for servers on several machines: `httpfstream/nats`. It needs the packages
 * `@nats-io/transport-node` and `@nats-io/jetstream`.
 *
 * @example
 * ```ts
 * import { jetstreamStore } from "httpfstream/nats";
 * ```
 * @module
 */
export type { JetStreamStoreOptions, JetStreamTlsOptions } from "./options.ts";
export { jetstreamStore } from "./store.ts";
