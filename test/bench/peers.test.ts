/** The benchmark compares all peers, and checks its options. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bench } from "./smoke.ts";

test("the benchmark compares the installed peers, and names the missing ones", async () => {
  const ours = ["httpfstream-classic", "httpfstream-http", "httpfstream-deno", "httpfstream-bun"];
  const peers = [...ours, "bare", "nchan", "durable", "sendfile", "cat"];
  const program = bench("--peers", peers.join(","), "--only", "flood-small-few,catch-up-http");
  const { code } = await program.exited;
  assert.equal(code, 0, program.output);
  const table = program.stdout.bytes().toString();
  for (const peer of peers)
    assert.match(table, new RegExp(`^  (${peer}  .*\\d|! ${peer}: .* is not installed: )`, "m"));
});

test("the benchmark compares ways to append to streams, in memory and on disk", async () => {
  const peers = ["httpfstream-streams", "httpfstream-disk", "httpfstream-posted", "durable", "durable-memory"];
  const loads = ["streams-small", "streams-sse"];
  const program = bench("--peers", peers.join(","), "--only", loads.join(","));
  const { code } = await program.exited;
  assert.equal(code, 0, program.output);
  const table = program.stdout.bytes().toString();
  assert.doesNotMatch(table, /^ {2}! /m);
  for (const peer of peers) assert.match(table, new RegExp(`^  ${peer}  .*\\d`, "m"));
  for (const [peer, rival] of [
    ["httpfstream-streams", "durable-memory"],
    ["httpfstream-disk", "durable"],
    ["httpfstream-streams", "httpfstream-posted"],
  ])
    assert.match(table, new RegExp(`^  [✓✗] \\S+  ${peer}: .* ${rival}$`, "m"));
});

test("the benchmark compares servers that ask for tokens with one that does not", async () => {
  const gated = ["hs256", "hs256-each", "eddsa-http", "eddsa-each-http"].map((name) => `httpfstream-${name}`);
  const peers = ["httpfstream", "httpfstream-http", ...gated];
  const program = bench("--peers", peers.join(","), "--only", "connect");
  const { code } = await program.exited;
  assert.equal(code, 0, program.output);
  const table = program.stdout.bytes().toString();
  for (const peer of gated) assert.match(table, new RegExp(`^  [✓✗] \\S+  ${peer}: .* ≤ 1.3× ungated$`, "m"));
});

test("the benchmark refuses invalid options, and names the valid ones", async () => {
  for (const [args, words] of [
    [["--peers", "unknown"], /no peer "unknown"; there are httpfstream,/],
    [["--only", "nothing"], /The loads are flood-small-few,/],
    [["--rounds", "0"], /--rounds/],
    [["--runtime", "browser"], /node, deno, bun/],
  ] as const) {
    const program = bench(...args);
    const { code } = await program.exited;
    assert.equal(code, 2, program.output);
    assert.match(program.stderr.bytes().toString(), words);
  }
});
