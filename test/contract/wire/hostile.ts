/** Clients that violate the protocol: the server keeps running, and the path becomes free. */
import assert from "node:assert/strict";
import { prng, randomBytes } from "../../fixture/bytes.ts";
import { closePayload, encodeFrame, type FrameOptions, OPCODE } from "../../fixture/frames.ts";
import { requestHead } from "../../fixture/http.ts";
import { upgradeHeaders } from "../../fixture/websocket.ts";
import type { Target } from "./target.ts";
import { expectEnd, section, type Wire } from "./wire.ts";

const KEY = Buffer.alloc(16, 1).toString("base64");

/** Invalid bytes after the handshake, and the close code with which the server must respond. */
const HOSTILE: Record<string, { bytes: Buffer; code: number }> = {
  "a reserved opcode": { bytes: frame(3, "x"), code: 1002 },
  "a reserved control opcode": { bytes: frame(11, "x"), code: 1002 },
  "a reserved bit": { bytes: frame(OPCODE.text, "x", { reserved: 4 }), code: 1002 },
  "an oversized ping": { bytes: frame(OPCODE.ping, Buffer.alloc(126)), code: 1002 },
  "a fragmented ping": { bytes: frame(OPCODE.ping, "x", { fin: false }), code: 1002 },
  "a continuation of nothing": { bytes: frame(OPCODE.continuation, "x"), code: 1002 },
  "a message inside a message": {
    bytes: Buffer.concat([frame(OPCODE.text, "x", { fin: false }), frame(OPCODE.text, "y")]),
    code: 1002,
  },
  "a close frame of one byte": { bytes: frame(OPCODE.close, "x"), code: 1002 },
  "a close code that must not be sent": { bytes: frame(OPCODE.close, closePayload(1005)), code: 1002 },
  "a length with the highest bit set": { bytes: frame(OPCODE.binary, "x", { declaredLength: 1n << 63n }), code: 1009 },
  "a length of four petabytes": { bytes: frame(OPCODE.binary, "x", { declaredLength: 1n << 52n }), code: 1009 },
};

export function hostileSection(target: Target): void {
  const frames: Record<string, (wire: Wire) => Promise<void>> = {};
  for (const [what, { bytes, code }] of Object.entries(HOSTILE)) {
    frames[`${what} ends that connection and nothing else`] = (wire) => expectCutOff(wire, bytes, code);
  }
  section(target, "hostile clients", {
    ...frames,

    "an unmasked frame ends that connection and nothing else": async (wire) => {
      const reason = wire.differs("unmasked frames");
      if (reason) wire.skip(reason);
      else await expectCutOff(wire, frame(OPCODE.binary, "x", { mask: false }), 1002);
    },

    "random bytes after the handshake": async (wire) => {
      for (let seed = 0; seed < 30; seed++) {
        const appender = await wire.appender(`${seed}.bin`);
        const follower = await wire.follower(`${seed}.bin`);
        for (const peer of [appender, follower]) {
          await peer.connection.write(randomBytes(500, seed));
          peer.connection.socket.end();
        }
        await Promise.all([appender.end(), follower.end()]);
        await wire.admitted(`${seed}.bin`);
      }
    },

    "a follower's hostile frames do not touch the appender and the others": async (wire) => {
      const appender = await wire.appender("a.txt");
      const good = await wire.follower("a.txt");
      const bad = await Promise.all(Object.values(HOSTILE).map(() => wire.follower("a.txt")));
      for (const [at, { bytes }] of Object.values(HOSTILE).entries()) await bad[at]?.connection.write(bytes);
      await appender.send("one ");
      await Promise.all(bad.map((follower) => follower.end()));
      await appender.send("two");
      await appender.finish();
      await expectEnd(good, "one two");
    },

    "a flood of pings from an appender does not stop its data": async (wire) => {
      const appender = await wire.appender("a.txt");
      // More than a server reads at once, with data before, between and after the pings.
      const pings = Buffer.concat(Array<Buffer>(20_000).fill(frame(OPCODE.ping, "p")));
      const data = ["one ", "two ", "three"].map((text) => appender.encode(text));
      await appender.connection.write(Buffer.concat(data.flatMap((piece) => [piece, pings])));
      await appender.pongs.atLeast(1);
      await appender.finish();
      assert.equal(String(await wire.stored("a.txt")), "one two three");
    },

    "connections reset before the answer to their handshake, by the hundred": async (wire) => {
      const random = prng(15);
      for (let round = 0; round < 10; round++) {
        await Promise.all(
          Array.from({ length: 30 }, async (_, at) => {
            const connection = await wire.connect();
            const verb = at % 3 ? "APPEND" : "FOLLOW";
            const head = requestHead(wire.target.url, {
              target: wire.at(`${at}.txt`, `verb=${verb}`),
              headers: upgradeHeaders(KEY),
            });
            const sent = at % 5 === 0 ? head.slice(0, Math.floor(random() * head.length)) : head;
            await connection.write(sent);
            connection[at % 2 ? "reset" : "drop"]();
          }),
        );
      }
      await Promise.all(Array.from({ length: 30 }, (_, at) => wire.admitted(`${at}.txt`)));
    },

    "connections reset right after the 101, by the hundred": async (wire) => {
      for (let round = 0; round < 10; round++) {
        await Promise.all(
          Array.from({ length: 15 }, async (_, at) => {
            (await wire.admitted(`${at}.txt`)).connection[at % 2 ? "reset" : "drop"]();
          }),
        );
      }
      await Promise.all(Array.from({ length: 15 }, (_, at) => wire.admitted(`${at}.txt`)));
    },

    "strange request lines are answered or cut off, and the server keeps running": async (wire) => {
      const { host } = new URL(wire.target.url);
      const lines = [
        "GET // HTTP/1.1",
        "GET /// HTTP/1.1",
        "GET //@ HTTP/1.1",
        "GET //[ HTTP/1.1",
        "GET /%00 HTTP/1.1",
        "GET * HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET http://other.example/../../etc/passwd HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET /?%zz HTTP/1.1",
        "GET /#x HTTP/1.1",
        "GET \\..\\..\\x HTTP/1.1",
        "CONNECT x:1 HTTP/1.1",
        "GET / HTTP/0.9",
        "BREW /pot HTTP/1.1",
        "\0\0\0\0",
        `GET /${"a/".repeat(7_000)} HTTP/1.1`,
      ];
      for (const line of lines) {
        for (const upgrade of ["", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"]) {
          const connection = await wire.connect();
          const key = upgrade && `Sec-WebSocket-Key: ${KEY}\r\n`;
          await connection.write(`${line}\r\nHost: ${host}\r\n${upgrade}${key}Connection: close\r\n\r\n`);
          connection.socket.end();
          const answer = await connection.readThrough("\r\n").then(String, () => "");
          assert.doesNotMatch(answer, / (200|5\d\d) .*\broot:/, line);
          connection.drop();
        }
      }
      await wire.put("a.txt", "alive");
    },

    "a strange Host header is answered, and the server keeps running": async (wire) => {
      for (const Host of ["", "a b", "[", "x:99999", "//", "@"]) {
        for (const upgrade of [false, true]) {
          const headers = { Host, ...(upgrade ? upgradeHeaders(KEY) : {}) };
          const connection = await wire.connect();
          await connection.write(requestHead(wire.target.url, { target: wire.at("a.txt", "verb=FOLLOW"), headers }));
          connection.socket.end();
          const answer = await connection.readThrough("\r\n").then(String, () => "");
          assert.doesNotMatch(answer, /^HTTP\/1\.1 (101|200)/, `Host: ${Host}`);
          connection.drop();
        }
      }
      await wire.put("a.txt", "alive");
    },
  });
}

/** Expects that the connection ends, earlier bytes are kept, the follower gets its end, and the path becomes free. */
async function expectCutOff(wire: Wire, bytes: Buffer, code: number): Promise<void> {
  const appender = await wire.appender("a.txt");
  const follower = await wire.follower("a.txt");
  await appender.send("before");
  await follower.received.atLeast(6);
  await appender.connection.write(bytes);
  const closed = await appender.end();
  if (wire.differs("close codes")) assert.notEqual(closed.code, 1000);
  else assert.equal(closed.code, code, closed.reason);
  await expectEnd(follower, "before");
  await (await wire.admitted("a.txt")).finish();
  assert.equal(String(await wire.stored("a.txt")), "before");
}

function frame(opcode: number, data: string | Uint8Array = "", options?: FrameOptions): Buffer {
  return encodeFrame(opcode, data, options);
}
