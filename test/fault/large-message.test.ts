/** Messages that exceed the configured limit. */
import assert from "node:assert/strict";
import { OPCODE } from "../fixture/frames.ts";
import { faultTest } from "./standalone.ts";

const LIMITS = { messageBytes: 1_000 };

faultTest(
  "a message that is too large ends its append, and the bytes before it stay",
  { limits: LIMITS },
  async (fault) => {
    const { peers } = fault;
    const appender = await peers.appender("a.bin");
    const follower = await peers.follower("a.bin");
    await appender.binary(Buffer.alloc(1_000, "a"));
    await appender.binary(Buffer.alloc(1_001, "b"));
    await appender.binary("too late");
    const { code, reason } = await appender.end();
    assert.equal(code, 1009);
    assert.match(reason, /1000 bytes/);
    assert.equal((await follower.end()).code, 1000);
    assert.equal(String(follower.received.bytes()), "a".repeat(1_000));
    await (await peers.admitted("a.bin")).finish();
  },
);

faultTest("the parts of a message count together", { limits: LIMITS }, async ({ peers }) => {
  const appender = await peers.appender("a.bin");
  await appender.frame(OPCODE.binary, Buffer.alloc(600), { fin: false });
  await appender.frame(OPCODE.continuation, Buffer.alloc(600));
  assert.equal((await appender.end()).code, 1009);
  assert.equal((await (await peers.admitted("a.bin")).finish()).code, 1000);
  assert.equal((await peers.stored("a.bin")).length, 0);
});

faultTest("the body of an upload may have any length", { limits: LIMITS }, async ({ peers }) => {
  await peers.put("a.bin", Buffer.alloc(100_000, "x"));
  assert.equal((await peers.stored("a.bin")).length, 100_000);
});

faultTest("the log says why an append ended whose message was too large", { limits: LIMITS }, async (fault) => {
  const appender = await fault.peers.appender("a.bin");
  await appender.binary("before");
  await appender.binary("x", { declaredLength: 200_000n });
  assert.equal((await appender.end()).code, 1009);
  await fault.server.program.printed(/append.*a\.bin.*too_large/);
});
