/** Slow typing: every byte reaches all followers before the next one is typed. */
import assert from "node:assert/strict";
import { MIXED_TEXT } from "../fixture/bytes.ts";
import { faultTest } from "./standalone.ts";

faultTest("byte by byte over a WebSocket", {}, async ({ peers }) => {
  const appender = await peers.appender("a.txt");
  const follower = await peers.follower("a.txt");
  const reader = await peers.reader("a.txt");
  const text = `${MIXED_TEXT.repeat(3)}the end`;
  const bytes = Buffer.from(text);
  for (const [at, byte] of bytes.entries()) {
    await appender.text(Buffer.of(byte));
    await reader.body.atLeast(at + 1);
    const isWhole = bytes.subarray(0, at + 1).toString() === text.slice(0, bytes.subarray(0, at + 1).toString().length);
    if (isWhole) await follower.received.atLeast(at + 1);
  }
  await appender.finish();
  assert.equal((await follower.end()).code, 1000);
  assert.deepEqual(
    follower.messages.map(({ payload }) => payload.toString()),
    [...text],
    "one frame a character",
  );
  assert.equal((await reader.response()).text, text);
});

faultTest("byte by byte over HTTP", {}, async ({ peers }) => {
  const upload = await peers.upload("a.txt");
  const bytes = Buffer.from("typed slowly");
  await upload.chunk(bytes.subarray(0, 1));
  const reader = await peers.admittedReader("a.txt");
  const follower = await peers.follower("a.txt");
  for (let at = 1; at < bytes.length; at++) {
    await upload.chunk(bytes.subarray(at, at + 1));
    await Promise.all([reader.body.atLeast(at + 1), follower.received.atLeast(at + 1)]);
  }
  await upload.finish();
  assert.equal((await upload.response()).status, 200);
  assert.equal((await reader.response()).text, "typed slowly");
  assert.equal((await follower.end()).code, 1000);
});
