/**
 * Opens a store: its connection, its lease, its parts.
 * @module
 */
import { randomBytes } from "node:crypto";
import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { StreamError } from "../../protocol/errors.ts";
import { Claims } from "./claims/claim.ts";
import type { Core } from "./claims/core.ts";
import { Folders } from "./claims/folders.ts";
import { Looks } from "./claims/look.ts";
import { OwnClaims } from "./claims/own-claims.ts";
import { Calls } from "./connection/calls.ts";
import { finalError } from "./connection/failures.ts";
import { openLink } from "./connection/link.ts";
import { assertAllReported, assertVersion, reportsOf } from "./connection/monitors.ts";
import { pause } from "./connection/pause.ts";
import { StreamNotes } from "./kept/stream-notes.ts";
import { Values } from "./kept/values.ts";
import { ensureStreams, type Installation } from "./layout/ensure.ts";
import { Directory } from "./nodes/directory.ts";
import { Leaders } from "./nodes/leaders.ts";
import { Lease } from "./nodes/lease.ts";
import { answerQuestions } from "./nodes/questions.ts";
import type { Settings } from "./options.ts";
import { Locator } from "./reads/located.ts";
import { States } from "./records/states.ts";
import { Records } from "./records/stored.ts";
import { Tails } from "./records/tails.ts";
import { Taps } from "./watch/taps.ts";

/** Random bytes of the name of a node. */
const NODE_BYTES = 9;

/** Milliseconds for which a start waits for the servers. */
const START_MS = 30_000;

/** Milliseconds between two attempts to connect. */
const RETRY_MS = 500;

/** Bytes of the largest payload of a message, without its note. */
const MESSAGE_BYTES = 256 * 1024;

/** Bytes of a message that are left for a note and the headers. */
const NOTE_ROOM_BYTES = 68 * 1024;

/** An open store. */
export interface Opened {
  readonly core: Core;
  readonly values: Values;
  readonly folders: Folders;
  readonly looks: Looks;
  readonly claims: Claims;
  readonly locator: Locator;
  readonly taps: Taps;
  readonly lease: Lease;
  readonly connection: NatsConnection;
  readonly questions: Subscription;
}

/**
 * Connects, makes sure that the streams are there, and stores the lease of this node.
 *
 * @param hasSession Whether a path has a session on record.
 * @throws {StreamError} `unavailable` if the servers do not answer in time; `storage`, `denied` if this can't succeed.
 */
export async function openStore(settings: Settings, hasSession: (path: string) => Promise<boolean>): Promise<Opened> {
  const untilMs = performance.now() + START_MS;
  const node = randomBytes(NODE_BYTES).toString("base64url");
  const connection = await connected(settings, `httpfstream ${node}`, untilMs);
  try {
    const { info } = connection;
    if (info) assertVersion(info.server_name, info.version);
    const calls = await Calls.over(connection);
    const reports = settings.unsafeSync ? [] : await reportsOf(settings.monitors);
    const rooms = reports.map(({ maxBytes }) => maxBytes);
    const serverBytes = rooms.reduce<number | undefined>(
      (sum, room) => (sum === undefined || room === undefined ? undefined : sum + room),
      reports.length > 0 ? 0 : undefined,
    );
    const installation = await ensureStreams(calls, { ...settings, serverBytes, untilMs });
    if (!settings.unsafeSync) assertAllReported(reports, storing(installation, info?.server_name));
    const opened = assembled(settings, { node, connection, calls, layout: installation.layout }, hasSession);
    await opened.lease.begin(untilMs);
    return opened;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The names of the servers that store data. A single server does not report its own as one of them. */
function storing({ servers }: Installation, connected: string | undefined): Iterable<string> {
  return servers.size > 0 || connected === undefined ? servers : [connected];
}

/** Connects. Servers that start at the same time may not answer yet. */
async function connected(settings: Settings, name: string, untilMs: number): Promise<NatsConnection> {
  for (;;) {
    try {
      return await openLink(settings, name);
    } catch (cause) {
      const servers = settings.servers.join(", ");
      if (finalError(cause, "")?.code === "denied") {
        const message = `The NATS servers ${servers} refuse the credentials of this server.`;
        throw new StreamError("denied", message, { cause });
      }
      if (performance.now() + RETRY_MS > untilMs) {
        throw new StreamError("unavailable", `None of the NATS servers ${servers} answers.`, { cause });
      }
    }
    await pause(RETRY_MS);
  }
}

/** What is known once the servers have answered. */
interface Found extends Pick<Core, "node" | "calls" | "layout"> {
  readonly connection: NatsConnection;
}

function assembled(settings: Settings, found: Found, hasSession: (path: string) => Promise<boolean>): Opened {
  const { node, connection, calls, layout } = found;
  const { giveUpMs, tombstoneMs, leaseMs } = settings;
  const records = new Records(layout, calls);
  const leaders = new Leaders(calls, layout);
  const values = new Values(calls, leaders, layout.meta, giveUpMs);
  const ownClaims = new OwnClaims();
  const core: Core = {
    ...{ node, layout, calls, records, leaders, ownClaims, giveUpMs, tombstoneMs },
    states: new States(records),
    tails: new Tails(records),
    directory: new Directory(calls, layout),
    notes: new StreamNotes(layout, values),
    messageBytes: messageBytesOf(connection),
  };
  const folders = new Folders(core);
  const looks = new Looks(core, folders, hasSession);
  const claims = new Claims(core, folders);
  const onLate = (): void => claims.lookAll();
  return {
    ...{ core, values, folders, looks, claims, connection },
    locator: new Locator(records),
    taps: new Taps(() => openLink(settings, `httpfstream ${node} follows`)),
    lease: new Lease({ calls, layout, node, leaseMs, onLate }),
    questions: answerQuestions(connection, layout, node, ownClaims),
  };
}

/** @throws {StreamError} `storage` if the servers take no messages that are large enough. */
function messageBytesOf({ info }: NatsConnection): number {
  const room = (info?.max_payload ?? 0) - NOTE_ROOM_BYTES;
  if (room >= 4 * 1024) return Math.min(MESSAGE_BYTES, room);
  throw new StreamError(
    "storage",
    `The NATS server takes messages of at most ${info?.max_payload} bytes (max_payload). At least ${4 * 1024 + NOTE_ROOM_BYTES} are needed.`,
  );
}
