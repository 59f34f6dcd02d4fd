/**
 * One follow over a network that fails in every way, against the model of a server.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { followIn } from "../../../src/client/follow/mod.ts";
import type { FollowEnd } from "../../../src/client/follow/state.ts";
import { StreamError } from "../../../src/protocol/errors.ts";
import { ModelServer, type Reason } from "./server.ts";
import type { Played } from "./simulate.ts";
import { type Event, World } from "./world.ts";

const URL_ = "http://model/a";

/** The parameters of a schedule. */
export const FOLLOW_SCHEDULE = fc.record({
  seed: fc.nat(2 ** 31),
  wildSteps: fc.nat(400),
  retryForMs: fc.constantFrom(120_000, 1e9),
  /** Number of bytes stored before the follow begins, and sizes of the pieces appended during it. */
  before: fc.nat(60),
  pieces: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
  start: fc.constantFrom({}, { offset: 0 }, { offset: 7 }, { offset: "now" as const }, { tail: 5 }),
  proxy: fc.constantFrom(
    "none" as const,
    "none" as const,
    "hangs up" as const,
    "answers 400" as const,
    "strips upgrades" as const,
  ),
  transport: fc.constantFrom("websocket" as const, "websocket" as const, "http" as const),
  reason: fc.constantFrom<Reason>("complete", "lost", "failed", "limit", "deleted", "replaced"),
});

type Schedule = typeof FOLLOW_SCHEDULE extends fc.Arbitrary<infer T> ? T : never;

/**
 * Plays one schedule: the follower gets every byte from its start on, once and in order, and learns how it ended.
 *
 * @throws {AssertionError} if that does not hold, or if the follower gives up without a reason.
 */
export async function playFollow(schedule: Schedule): Promise<Played> {
  const { seed, wildSteps, retryForMs, before, start, proxy, transport } = schedule;
  const world = new World(seed, wildSteps);
  world.proxy = proxy;
  const server = new ModelServer(world.clock, 1);
  world.server = server;
  server.exists = true;
  server.busy = true;
  const growth = growthOf(server, schedule);
  growth.grow(before);

  let connections = 0;
  const onState = ({ state }: { state: string }): void => {
    if (state === "open") connections++;
  };
  const stream = followIn(world, URL_, { ...start, transport, retryForMs, retryFirst: true, onState });
  const received: Uint8Array[] = [];
  let first: number | undefined;
  let length = 0;
  const run = async (): Promise<FollowEnd> => {
    for await (const bytes of stream) {
      received.push(bytes);
      length += bytes.length;
      first ??= (stream.offset ?? Number.NaN) - bytes.length;
      assert.equal(stream.offset, first + length, "the offset is that of the next byte");
    }
    return await stream.ended;
  };
  const done = run();
  await world.until(done, () => ({ normal: life(world, growth), faults: [...world.troubles(), ...crashes(world)] }));
  const result = await done.catch((thrown: unknown) => {
    assert.ok(thrown instanceof StreamError, String((thrown as Error).stack));
    return thrown;
  });

  const from = first ?? stream.offset ?? server.size;
  const got = Buffer.concat(received);
  assert.equal(Buffer.compare(got, server.bytes.subarray(from, from + got.length)), 0, "the bytes, in order, once");
  const played = { steps: world.steps, connections };
  if (result instanceof StreamError) {
    judge(result, schedule, before, world.clock.now());
    return { ...played, result: result.code };
  }
  assert.equal(from + got.length, server.size, "all of them");
  assert.equal(result.offset, server.size);
  assert.ok(!server.busy, "it ends when the append has ended");
  assert.ok([schedule.reason, "unknown"].includes(result.reason), `it ends as ${result.reason}`);
  return { ...played, result: result.reason };
}

/** Asserts that the client had a reason to give up. */
function judge({ code, message }: StreamError, { start, retryForMs }: Schedule, before: number, nowMs: number): void {
  const tooFar = code === "range" && start.offset === 7 && before < 7;
  const unavailable = ["unreachable", "restarting"].includes(code) && retryForMs < 1e9 && nowMs > 115_000;
  assert.ok(tooFar || unavailable, `${code}: ${message}`);
}

/** The append that is followed. */
interface Growth {
  readonly over: boolean;
  grow(bytes: number): void;
  next(): void;
}

function growthOf(server: ModelServer, { pieces, reason }: Schedule): Growth {
  const rest = [...pieces];
  const grow = (bytes: number): void => {
    const from = server.size;
    server.grow(Uint8Array.from({ length: bytes }, (_, at) => (from + at) % 251));
    server.promised = server.size;
  };
  return {
    grow,
    get over() {
      return !server.busy;
    },
    next() {
      const bytes = rest.shift();
      if (bytes === undefined) server.end(reason);
      else grow(bytes);
    },
  };
}

/** The possible events of the server without a fault. */
function life(world: World, growth: Growth): Event[] {
  const { server } = world;
  if (!server.up) return [() => server.restart()];
  // Mostly while the follower is connected: an append that ends before that shows little.
  const grows = !growth.over && (server.followers.size > 0 || !world.wild || world.choose(20) === 0);
  const events: Event[] = grows ? [() => growth.next()] : [];
  for (const follower of server.followers) {
    if (follower.offset < server.size) events.push(() => server.feed(follower, 1 + world.choose(60)));
    else if (world.choose(10) === 0) events.push(() => follower.heartbeat());
  }
  return events;
}

/** The possible faults of the server. */
function crashes(world: World): Event[] {
  const { server } = world;
  if (!server.up) return [];
  return [() => world.kill(() => server.crash(0)), () => world.kill(() => server.restartSoon())];
}
