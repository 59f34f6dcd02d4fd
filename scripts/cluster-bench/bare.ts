/** Bare clients of NATS, which do the least that a store must do. @module */
import { createHistogram } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamClient, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Layout } from "../../src/stores/jetstream/layout/layout.ts";
import type { NatsLab } from "../../test/fixture/nats-lab.ts";

/** The prefix and the number of shards of `NatsLab.storeOptions`. */
const LAYOUT = new Layout("hfs", 2);

const STREAM = "BARE";
const SUBJECT = "bare.path";
const LIVE = "bare-live.path";

/** Percentiles of milliseconds. */
export interface Ages {
  readonly p50: number;
  readonly p99: number;
}

/** Clients on two connections, each to another server. */
export class Bare {
  readonly #lab: NatsLab;
  readonly #publisher: NatsConnection;
  readonly #subscriber: NatsConnection;
  readonly #client: JetStreamClient;
  #last = 0;

  private constructor(lab: NatsLab, publisher: NatsConnection, subscriber: NatsConnection) {
    this.#lab = lab;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#client = jetstream(publisher);
  }

  /** Connects, and creates an empty stream like those of the store. */
  static async open(lab: NatsLab): Promise<Bare> {
    const [first, second] = lab.nodes;
    const publisher = await connect({ servers: first?.url ?? "" });
    const subscriber = await connect({ servers: second?.url ?? "" });
    const { streams } = await jetstreamManager(publisher);
    await streams.add({
      name: STREAM,
      subjects: [SUBJECT],
      num_replicas: lab.nodes.length,
      republish: { src: SUBJECT, dest: LIVE },
    });
    return new Bare(lab, publisher, subscriber);
  }

  /** Publishes messages at a pace, and measures their ages at a subscriber of the republished subject. */
  async paced(bytes: number, perSecond: number, seconds: number): Promise<Ages> {
    const ages = createHistogram();
    const subscription = this.#subscriber.subscribe(LIVE, {
      callback: (_error, message) => {
        const sentMs = Buffer.from(message.data).readDoubleLE(0);
        ages.record(Math.max(1, Math.round((performance.now() - sentMs) * 1e6)));
      },
    });
    await this.#subscriber.flush();
    const payload = Buffer.alloc(bytes, "x");
    const startMs = performance.now();
    for (let sent = 0; sent < perSecond * seconds; sent++) {
      const waitMs = startMs + (sent * 1000) / perSecond - performance.now();
      if (waitMs > 1) await sleep(Math.floor(waitMs));
      payload.writeDoubleLE(performance.now(), 0);
      await this.#publish(payload);
    }
    subscription.unsubscribe();
    return { p50: ages.percentile(50) / 1e6, p99: ages.percentile(99) / 1e6 };
  }

  /** Publishes messages, each once the one before it is stored. Returns the seconds. */
  async stopAndWait(bytes: number, count: number): Promise<number> {
    const payload = Buffer.alloc(bytes, "x");
    const startMs = performance.now();
    for (let sent = 0; sent < count; sent++) await this.#publish(payload);
    return (performance.now() - startMs) / 1000;
  }

  /** How many messages the stream of a path has, and their bytes. */
  async stored(path: string): Promise<{ messages: number; bytes: number }> {
    const { streams } = await jetstreamManager(this.#publisher);
    const { state } = await streams.info(LAYOUT.placeOf(path).stream);
    return state;
  }

  /** Reads a path of the store with an ordered consumer. Returns the seconds, and how many bytes there were. */
  async consume(path: string, bytes: number): Promise<{ seconds: number; bytes: number }> {
    const { stream, subject } = LAYOUT.placeOf(path);
    const startMs = performance.now();
    const consumer = await jetstream(this.#subscriber).consumers.get(stream, { filter_subjects: subject });
    const messages = await consumer.consume({ max_messages: 256 });
    let received = 0;
    for await (const message of messages) {
      received += message.data.length;
      if (received >= bytes) break;
    }
    const seconds = (performance.now() - startMs) / 1000;
    await consumer.delete();
    return { seconds, bytes: received };
  }

  /** Removes the stream, and disconnects. */
  async close(): Promise<void> {
    const { streams } = await jetstreamManager(this.#publisher);
    await streams.delete(STREAM).catch(() => {});
    await Promise.all([this.#publisher.close(), this.#subscriber.close()]);
  }

  /** The servers. */
  get lab(): NatsLab {
    return this.#lab;
  }

  async #publish(payload: Uint8Array): Promise<void> {
    const expect = { streamName: STREAM, lastSubjectSequence: this.#last };
    this.#last = (await this.#client.publish(SUBJECT, payload, { expect })).seq;
  }
}
