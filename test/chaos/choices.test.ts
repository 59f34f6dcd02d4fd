/** The choices of a chaos run depend only on its seed, so that a run can be repeated. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Content } from "../../scripts/chaos/content.ts";
import { drawStreams } from "../../scripts/chaos/durable/plan.ts";
import { drawPlan } from "../../scripts/chaos/fate.ts";
import { parseOptions, UsageError } from "../../scripts/chaos/options.ts";
import { drawPath } from "../../scripts/chaos/plan.ts";
import { Random } from "../../scripts/chaos/random.ts";
import { sha256 } from "../fixture/bytes.ts";

describe("the choices of a run", () => {
  it("are the same for the same seed, and differ for another one", () => {
    const draw = (seed: number): unknown => {
      const random = new Random(seed);
      const path = drawPath(random.fork("lane-0/0.bin"), 3, 1);
      const streams = drawStreams(random.fork("stream-0/0.txt"), 3, 1);
      return {
        path,
        streams,
        connections: Array.from({ length: 20 }, (_, at) => drawPlan(random.fork("a", at), 1_000)),
      };
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
  });

  it("do not depend on other draws", () => {
    const [one, other] = [new Random(1), new Random(1)];
    for (let count = 0; count < 100; count++) one.number();
    assert.equal(one.fork("a", 1).number(), other.fork("a", 1).number());
    assert.notEqual(one.fork("a", 1).number(), one.fork("a", 2).number());
    assert.notEqual(one.fork("a", 1).number(), one.fork("a1").number());
  });

  it("include every kind of fault, and stay within their bounds", () => {
    const random = new Random(3);
    const fates = new Set(Array.from({ length: 1_000 }, (_, at) => drawPlan(random.fork(at), 1_000).fate));
    assert.equal(fates.size, 10);
    const streams = Array.from({ length: 300 }, (_, at) => drawStreams(random.fork("streams", at), 2, 1)).flat();
    assert.equal(new Set(streams.map(({ end }) => end)).size, 4);
    assert.equal(new Set(streams.flatMap(({ readers }) => readers.map(({ kind }) => kind))).size, 4);
    assert.equal(new Set(streams.flatMap(({ forks }) => forks.map(({ end }) => end))).size, 3);
    assert.ok(
      streams.every(({ writers: [first] }) => first?.kind === "producer"),
      "the first writer can close it",
    );
    for (let count = 0; count < 1_000; count++) {
      const [even, any] = [random.between(3, 5), random.spread(10, 1_000)];
      assert.ok(even >= 3 && even <= 5 && any >= 10 && any < 1_000, `${even} ${any}`);
    }
  });
});

describe("the options of a run", () => {
  it("have defaults; the default seed differs each time", () => {
    const [one, other] = [parseOptions([]), parseOptions([])];
    const wanted = {
      minutes: 1,
      seed: 0,
      paths: 6,
      streams: 3,
      followers: 3,
      runtimes: ["node", "node"],
      durability: "os",
      replaced: 0.2,
      cluster: false,
    };
    assert.deepEqual({ ...one, seed: 0 }, wanted);
    assert.notEqual(one?.seed, other?.seed);
  });

  it("set the duration, the seed, the counts and the runtimes", () => {
    const args = [
      "--minutes",
      "0.5",
      "--seed=7",
      "--paths",
      "10",
      "--streams",
      "0",
      "--followers",
      "1",
      "--runtime",
      "deno,bun",
    ];
    args.push("--durability", "disk", "--replaced", "1", "--cluster");
    const wanted = { minutes: 0.5, seed: 7, paths: 10, streams: 0, followers: 1, durability: "disk", replaced: 1 };
    assert.deepEqual(parseOptions(args), { ...wanted, cluster: true, runtimes: ["deno", "bun"] });
    assert.equal(parseOptions(["--help"]), undefined);
  });

  it("are refused if they are invalid", () => {
    for (const [args, words] of [
      [["--minutes", "soon"], /--minutes is a number of minutes, not "soon"/],
      [["--seed", "x"], /--seed is a whole number/],
      [["--seed=-1"], /--seed is a whole number/],
      [["--paths", "0"], /--paths/],
      [["--streams", "-1"], /--streams/],
      [["--streams", "many"], /--streams is a whole number from 0 to 9999/],
      [["--followers", "0"], /--followers/],
      [["--runtime", "browser"], /node, deno, bun/],
      [["--durability", "paper"], /os, disk/],
      [["--replaced", "2"], /--replaced is a number from 0 to 1/],
      [["--nonsense"], /nonsense/],
      [["7"], /7/],
    ] as const) {
      assert.throws(
        () => parseOptions(args),
        (error) => error instanceof UsageError && words.test(error.message),
      );
    }
  });
});

describe("the content of a path", () => {
  const content = new Content(12345);

  it("is the same however it is split", () => {
    const whole = content.read(0, 10_000);
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [3, 9],
      [4, 8],
      [777, 5_000],
      [9_999, 10_000],
      [50, 50],
    ] as const) {
      assert.ok(content.read(from, to).equals(whole.subarray(from, to)), `${from} to ${to}`);
    }
    assert.equal(content.sha256(3, 9_000), sha256(whole.subarray(3, 9_000)));
  });

  it("shows where bytes are missing, duplicated or changed", () => {
    const bytes = content.read(100, 300);
    assert.equal(content.difference(bytes, 100), undefined);
    assert.equal(content.difference(bytes.subarray(4), 100), 100);
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(57) ^ 1, 57);
    assert.equal(content.difference(changed, 100), 157);
    assert.notEqual(content.sha256(0, 100), new Content(12346).sha256(0, 100));
  });
});
