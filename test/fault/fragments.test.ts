/** Messages in too many frames: the client gets the reason. */
import assert from "node:assert/strict";
import { encodeFrame, OPCODE } from "../fixture/frames.ts";
import { faultTest } from "./standalone.ts";

// Not on Bun, which substitutes its own WebSocket for the package `ws`.
faultTest(
  "a message in too many frames ends its append with the reason",
  { runtimes: ["node", "deno"] },
  async (fault) => {
    const appender = await fault.peers.appender("a.bin", { kind: "binary" });
    const rest = encodeFrame(OPCODE.continuation, "x", { fin: false });
    const frames = [encodeFrame(OPCODE.binary, "x", { fin: false }), ...Array.from({ length: 20_000 }, () => rest)];
    void appender.connection.write(Buffer.concat(frames));
    const { code, reason } = await appender.end();
    assert.equal(code, 1008);
    assert.match(reason, /at most 16384 frames/);
  },
);
