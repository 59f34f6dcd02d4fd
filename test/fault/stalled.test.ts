/** Followers that stop reading use little memory, delay no other client, and miss no bytes. */
import assert from "node:assert/strict";
import { randomBytes, sha256 } from "../fixture/bytes.ts";
import { NO_DESCRIPTORS, residentBytes } from "../fixture/descriptors.ts";
import { faultTest } from "./standalone.ts";

const MIB = 1024 * 1024;
const SIZE = 96 * MIB;

faultTest("fifty stalled followers on 96 MiB", { skip: NO_DESCRIPTORS }, async ({ peers, server }) => {
  const appender = await peers.appender("a.bin");
  const stalledSockets = await Promise.all(Array.from({ length: 25 }, () => peers.follower("a.bin")));
  const stalledBodies = await Promise.all(Array.from({ length: 25 }, () => peers.reader("a.bin")));
  await appender.text("a beginning ");
  for (const { received } of stalledSockets) await received.atLeast(12);
  for (const { body } of stalledBodies) await body.atLeast(12);
  for (const { connection } of [...stalledSockets, ...stalledBodies]) connection.socket.pause();
  const free = await Promise.all([peers.follower("a.bin"), peers.follower("a.bin")]);
  const before = residentBytes(server.pid);
  let most = 0;

  const piece = randomBytes(MIB, 1);
  for (let sent = 0; sent < SIZE; sent += MIB) {
    await appender.binary(piece);
    most = Math.max(most, residentBytes(server.pid) - before);
  }
  for (const { received } of free) await received.atLeast(12 + SIZE);
  most = Math.max(most, residentBytes(server.pid) - before);
  // Fifty times the follower budget, the recent chunks, and the runtime's overhead. Buffering everything would take 5
  // GB.
  assert.ok(most < 256 * MIB, `the server has grown by ${Math.round(most / MIB)} MiB`);

  // Some of the resumed followers still lag when the appender ends.
  const resumed = [...stalledSockets.slice(0, 2), ...stalledBodies.slice(0, 2)];
  for (const { connection } of resumed) connection.socket.resume();
  await appender.finish();
  const expected = sha256(Buffer.concat([Buffer.from("a beginning "), ...Array<Buffer>(SIZE / MIB).fill(piece)]));
  for (const follower of [...free, ...stalledSockets.slice(0, 2)]) {
    assert.equal((await follower.end()).code, 1000);
    assert.equal(sha256(follower.received.bytes()), expected);
  }
  for (const { body } of stalledBodies.slice(0, 2)) assert.equal(sha256(await body.all()), expected);
});
