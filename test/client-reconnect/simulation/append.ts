/**
 * One append over a network that fails in every way, against the model of a server.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AppendStream, openIn } from "../../../src/client/append/mod.ts";
import type { ResumePoint } from "../../../src/client/append/state.ts";
import { StreamError } from "../../../src/protocol/errors.ts";
import { ModelServer } from "./server.ts";
import type { Played } from "./simulate.ts";
import { type Event, World } from "./world.ts";

const URL_ = "http://model/a";

/** The parameters of a schedule. */
export const APPEND_SCHEDULE = fc.record({
  seed: fc.nat(2 ** 31),
  wildSteps: fc.nat(400),
  retryFirst: fc.nat(7).map((one) => one > 0),
  retryForMs: fc.constantFrom(120_000, 1e9),
  before: fc.nat(9),
  pieces: fc.array(fc.nat(40), { maxLength: 12 }),
  window: fc.integer({ min: 1, max: 100 }),
});

type Schedule = typeof APPEND_SCHEDULE extends fc.Arbitrary<infer T> ? T : never;

/**
 * Plays one schedule: no byte is lost or duplicated, their order is kept, acknowledged bytes stay, and the append ends.
 *
 * @throws {AssertionError} if that does not hold, or if the client gives up without a reason.
 */
export async function playAppend({
  seed,
  wildSteps,
  retryFirst,
  retryForMs,
  before,
  pieces,
  window,
}: Schedule): Promise<Played> {
  const world = new World(seed, wildSteps);
  const server = new ModelServer(world.clock, window);
  world.server = server;
  const old = Uint8Array.from({ length: before }, () => 255);
  server.grow(old);
  server.promised = before;
  const all = sourceOf(pieces);
  let acked = before;
  let connections = 0;
  let backwards = false;
  const onAcked = ({ offset }: ResumePoint): void => {
    backwards ||= offset < acked;
    acked = offset;
  };
  const run = async (): Promise<ResumePoint | undefined> => {
    const onState = ({ state }: { state: string }): void => {
      if (state === "open") connections++;
    };
    const appending = await openIn(world, URL_, { onAcked, onState, retryFirst, retryForMs });
    const writer = new AppendStream(appending).getWriter();
    let at = 0;
    for (const length of pieces) {
      const buffer = all.slice(at, at + length);
      at += length;
      await writer.write(buffer);
      buffer.fill(0); // The caller may reuse its buffer.
    }
    await writer.close();
    return appending.resumePoint;
  };
  const done = run();
  const check = (): void => {
    assert.equal(server.violation, undefined);
    assert.ok(!backwards, "acknowledgements go forward");
    assert.ok(server.size >= acked, "what was acknowledged is stored, and kept");
    const stored = server.bytes.subarray(before);
    assert.equal(Buffer.compare(stored, all.subarray(0, stored.length)), 0, "the source's bytes, in order, once");
  };
  await world.until(done, () => {
    check();
    return { normal: life(world), faults: [...world.troubles(), ...crashes(world)] };
  });
  check();
  const error = await done.then(
    (point) => {
      assert.equal(server.size, before + all.length, "everything has arrived");
      assert.equal(point?.offset, server.size);
      assert.notEqual(server.session?.token, point?.session, "the path is given back");
      // An abandoned first request may arrive late, and take the path for a while.
      if (!world.anyArrivedLate) assert.equal(server.session, undefined, "the path is free");
      return undefined;
    },
    (thrown: unknown) => {
      assert.ok(thrown instanceof StreamError, String((thrown as Error).stack));
      return thrown;
    },
  );
  if (error) judge(error, world, connections);
  return { result: error?.code ?? "complete", steps: world.steps, connections };
}

/** Asserts that the client had a reason to give up. */
function judge(error: StreamError, { server, clock }: World, connections: number): void {
  const { code } = error;
  const unavailable = code === "unreachable" || code === "restarting";
  const reason =
    code === "gone"
      ? server.graceRanOut
      : // No progress for two minutes, or a little less if the server asks for more time than is left.
        (unavailable && (connections === 0 || clock.now() > 115_000)) || (code === "conflict" && connections === 0);
  assert.ok(reason, `${code}: ${error.message}`);
}

/** The possible events of the server without a fault. */
function life(world: World): Event[] {
  const { server } = world;
  if (!server.up) {
    return [
      () => {
        server.window = 1 + world.choose(100);
        server.restart();
      },
    ];
  }
  return server.session?.pending.length ? [() => server.store(1 + world.choose(60))] : [];
}

/** The possible faults of the server. */
function crashes(world: World): Event[] {
  const { server } = world;
  if (!server.up) return [];
  return [
    () => world.kill(() => server.crash(server.promised + world.choose(60))),
    () => world.kill(() => server.restartSoon()),
  ];
}

function sourceOf(pieces: readonly number[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece, 0);
  return Uint8Array.from({ length }, (_, at) => at % 251);
}
