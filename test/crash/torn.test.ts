/**
 * Damage to the reserved folder and to the files, done by a crash, a power cut or a person while the server was down.
 * The server starts again, loses no acknowledged byte that is still in a file, stores none twice, and cleans up.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { randomBytes } from "../fixture/bytes.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { goByPath } from "../fixture/second-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { Cluster, type Server } from "../processes/cluster.ts";

const GRACE_MS = 1_500;

/** The files of a root whose server was killed during an append. */
interface Wreck {
  /** The reserved folder. */
  readonly reserved: string;
  /** The record of the open session. */
  readonly session: string;
  /** The folder with the path's claims. */
  readonly claims: string;
  /** The claim of the killed server. */
  readonly entry: string;
  /** The sign of life of the killed server. */
  readonly server: string;
  /** The file of the append. */
  readonly file: string;
}

/** Whether the session can be resumed, or gets 410. */
type Fate = "resumes" | "gone";

interface Tear {
  readonly fate: Fate;
  readonly tear: (wreck: Wreck) => void;
  /** The file's size after the damage, in bytes. Default: all acknowledged bytes. */
  readonly left?: number;
}

const ACKED = 100_000;

/** Selects the cases for all runtimes: runtimes may report file system errors in different ways. */
const DIFFERS = /\b(is|are|lie) (a|about|gone)\b|link|strangers/;

const TEARS: Record<string, Tear> = {
  "nothing is damaged": { fate: "resumes", tear: () => {} },
  "the session is empty": { fate: "gone", tear: ({ session }) => writeFileSync(session, "") },
  "the session is cut off": {
    fate: "gone",
    tear: ({ session }) => truncateSync(session, readFileSync(session).length >> 1),
  },
  "the session is garbage": { fate: "gone", tear: ({ session }) => writeFileSync(session, randomBytes(300, 1)) },
  "the session is JSON of something else": { fate: "gone", tear: ({ session }) => writeFileSync(session, "[null]") },
  "the session names another path": {
    fate: "gone",
    tear: ({ session }) => rewrite(session, (record) => ({ ...record, path: "other.bin" })),
  },
  "the session names a path outside": {
    fate: "gone",
    tear: ({ session }) => rewrite(session, (record) => ({ ...record, path: "../../etc/passwd" })),
  },
  "the session has no digest": {
    fate: "gone",
    tear: ({ session }) => rewrite(session, (record) => ({ ...record, digest: "" })),
  },
  "the session has fields that this version does not know": {
    fate: "resumes",
    tear: ({ session }) => rewrite(session, (record) => ({ ...record, since: "the next version" })),
  },
  "the session is a folder": { fate: "gone", tear: ({ session }) => replaceByFolder(session) },
  "the session is a link that leads nowhere": {
    fate: "gone",
    tear: ({ session }) => {
      unlinkSync(session);
      symlinkSync("/nowhere/at/all", session);
    },
  },
  "the session is gone": { fate: "gone", tear: ({ session }) => unlinkSync(session) },
  "the sessions are a file": { fate: "gone", tear: ({ reserved }) => replaceByFile(join(reserved, "sessions")) },
  "there are torn and stray records of other sessions": {
    fate: "resumes",
    tear: ({ reserved }) => {
      const sessions = join(reserved, "sessions");
      writeFileSync(join(sessions, "README"), "not a session");
      writeFileSync(join(sessions, "aaaa.json"), "{}");
      writeFileSync(join(sessions, "bbbb.json"), JSON.stringify({ path: "x", digest: "0".repeat(64) }));
      mkdirSync(join(sessions, "cccc.json", "deep"), { recursive: true });
    },
  },
  "the claim is empty": { fate: "resumes", tear: ({ entry }) => writeFileSync(entry, "") },
  "the claim is garbage": { fate: "resumes", tear: ({ entry }) => writeFileSync(entry, randomBytes(100, 2)) },
  "the claim is a folder": { fate: "resumes", tear: ({ entry }) => replaceByFolder(entry) },
  "the claim is gone": { fate: "resumes", tear: ({ claims }) => rmSync(claims, { recursive: true }) },
  "the path's claims are a file": { fate: "resumes", tear: ({ claims }) => replaceByFile(claims) },
  "the claims are a file": { fate: "resumes", tear: ({ reserved }) => replaceByFile(join(reserved, "entries")) },
  "the claim of an earlier process has the process number of a living one": {
    fate: "resumes",
    tear: ({ entry }) => rewrite(entry, (record) => ({ ...record, pid: process.pid, started: "12345" })),
  },
  "end markers, watch marks and entries that were moved away lie about": {
    fate: "resumes",
    tear: ({ claims, entry }) => {
      const owner = readFileSync(entry);
      writeFileSync(join(claims, "ended-complete-123-abc"), owner);
      writeFileSync(join(claims, "watch-abc"), owner);
      writeFileSync(join(claims, "watch-def"), "");
      writeFileSync(join(claims, "away-99-abc"), owner);
      writeFileSync(join(claims, "away-98-abc"), "{");
    },
  },
  "the sign of life is gone": { fate: "resumes", tear: ({ server }) => unlinkSync(server) },
  "the signs of life are garbage, folders and strangers": {
    fate: "resumes",
    tear: ({ server, reserved }) => {
      writeFileSync(server, "?");
      mkdirSync(join(reserved, "servers", "folder", "deep"), { recursive: true });
      writeFileSync(join(reserved, "servers", "stranger"), "{}");
    },
  },
  "the signs of life are a file": { fate: "resumes", tear: ({ reserved }) => replaceByFile(join(reserved, "servers")) },
  "unfinished temporary files lie about": {
    fate: "resumes",
    tear: ({ reserved, server }) => {
      const temporary = join(reserved, "temporary");
      mkdirSync(temporary, { recursive: true });
      const { pid, started, scope } = JSON.parse(readFileSync(server, "utf8"));
      const where = createHash("sha256").update(scope).digest("hex").slice(0, 40);
      writeFileSync(join(temporary, `${pid}_${started}_${where}_abc`), "half of someth");
    },
  },
  "the temporary files are a file": {
    fate: "resumes",
    tear: ({ reserved }) => replaceByFile(join(reserved, "temporary")),
  },
  "the whole reserved folder is gone": { fate: "gone", tear: ({ reserved }) => rmSync(reserved, { recursive: true }) },
  "the whole reserved folder is a file": { fate: "gone", tear: ({ reserved }) => replaceByFile(reserved) },
  "the file is cut off below the acknowledged offset": {
    fate: "resumes",
    tear: ({ file }) => truncateSync(file, 60_000),
    left: 60_000,
  },
  "the file is empty": { fate: "resumes", tear: ({ file }) => truncateSync(file, 0), left: 0 },
  "the file is gone": { fate: "gone", tear: ({ file }) => unlinkSync(file), left: 0 },
};

/** Damage to the lease of a server that had the root to itself. */
const LEASE_TEARS: Record<string, (lease: string) => void> = {
  "the lease is whole": () => {},
  "the lease is empty": (lease) => truncateSync(lease, 0),
  "the lease is cut off": (lease) => truncateSync(lease, 1_030),
  "the lease is garbage": (lease) => writeFileSync(lease, randomBytes(2_000, 3)),
  "the lease is zeros": (lease) => writeFileSync(lease, Buffer.alloc(2_000)),
  "the lease is a folder": replaceByFolder,
  "the lease is gone": unlinkSync,
  "the leases are a file": (lease) => replaceByFile(dirname(lease)),
  "the lease of an earlier process has the process number of a living one": (lease) => {
    const { pid, ...owner } = JSON.parse(readFileSync(lease, "utf8").slice(0, 1_024));
    assert.notEqual(pid, process.pid);
    const header = JSON.stringify({ ...owner, pid: process.pid, started: "12345" }).padEnd(1_023);
    writeFileSync(lease, Buffer.concat([Buffer.from(`${header}\n`), readFileSync(lease).subarray(1_024)]));
  },
};

for (const runtime of RUNTIMES) {
  describe(`a server that restarts, and had the root to itself (${runtime})`, { concurrency: 3 }, () => {
    for (const [what, tear] of Object.entries(LEASE_TEARS)) {
      test(`when ${what}`, { timeout: 90_000 }, () =>
        withCopy(runtime, "lease", async (cluster, session) => {
          const reserved = join(cluster.root, ".httpfstream");
          const lease = only(join(reserved, "leases"));
          assert.match(readFileSync(lease, "latin1"), /^\+[0-9a-f]{40} *$/m, "the path was claimed by the lease");
          assert.ok(!existsSync(join(reserved, "entries")), "there is no entry");
          tear(lease);
          await salvage(cluster, session, { fate: "resumes" });
        }),
      );
    }
  });

  describe(`a server that restarts (${runtime})`, { concurrency: 3 }, () => {
    for (const [what, tear] of Object.entries(TEARS).filter(([name]) => runtime === "node" || DIFFERS.test(name))) {
      test(`when ${what}`, { timeout: 90_000 }, () =>
        withWreck(runtime, async (cluster, { session, wreck }) => {
          tear.tear(wreck);
          await salvage(cluster, session, tear);
        }),
      );
    }

    test("when the file is a folder now", { timeout: 90_000 }, () =>
      withWreck(runtime, async (cluster, { session, wreck }) => {
        unlinkSync(wreck.file);
        mkdirSync(wreck.file);
        const server = await cluster.start({ graceMs: GRACE_MS });
        assert.equal(await server.status(`/a.bin?verb=APPEND&session=${session}`), 410);
        assert.equal(await server.status("/a.bin?verb=APPEND"), 409);
        assert.equal((await server.append("other.bin")).offset, 0);
        await until("the session to be forgotten", () => !existsSync(wreck.session));
      }),
    );

    test("when the file is a link that leads out of the root now", { timeout: 90_000 }, () =>
      withWreck(runtime, async (cluster, { session, wreck }) => {
        const outside = await temporaryFolder("outside");
        renameSync(wreck.file, join(outside, "a.bin"));
        symlinkSync(join(outside, "a.bin"), wreck.file);
        const server = await cluster.start({ graceMs: GRACE_MS });
        assert.equal(await server.status(`/a.bin?verb=APPEND&session=${session}`), 410);
        assert.equal(await server.status("/a.bin?verb=APPEND"), 400);
        assert.equal((await server.append("other.bin")).offset, 0);
        await until("the session to be forgotten", () => !existsSync(wreck.session));
        assert.ok(readFileSync(join(outside, "a.bin")).equals(BYTES.subarray(0, ACKED)));
        await removeFolder(outside);
      }),
    );

    test("when the file is a link to another file below the root now", { timeout: 90_000 }, () =>
      withWreck(runtime, async (cluster, { session, wreck }) => {
        renameSync(wreck.file, join(cluster.root, "moved.bin"));
        symlinkSync("moved.bin", wreck.file);
        const server = await cluster.start({ graceMs: GRACE_MS });
        const { peer, offset } = await server.resume("a.bin", session);
        assert.equal(offset, ACKED);
        assert.equal(await server.status("/moved.bin?verb=APPEND"), 403, "it is the same file");
        await peer.send(BYTES.subarray(ACKED));
        assert.equal(await peer.finish(), BYTES.length);
        assert.ok(cluster.file("moved.bin").equals(BYTES));
        await expectClean(cluster, server);
      }),
    );

    test("when another program has written more into the file", { timeout: 90_000 }, () =>
      withWreck(runtime, async (cluster, { session, wreck }) => {
        appendFileSync(wreck.file, "by hand");
        const server = await cluster.start({ graceMs: GRACE_MS });
        // The server can't tell these bytes from appended ones: it takes the file's size.
        assert.equal((await server.resume("a.bin", session)).offset, ACKED + 7);
      }),
    );
  });
}

/** A wreck, and the token of its session. */
interface Wrecked {
  readonly session: string;
  readonly wreck: Wreck;
}

const BYTES = randomBytes(150_000, 11);

/** The folder of a killed server, which each test copies, and the token of its session. */
interface Template {
  readonly folder: string;
  readonly session: string;
}

/** How the killed server had its path. */
type By = "path" | "lease";

const templates = new Map<string, Promise<Template>>();
after(async () => {
  for (const template of templates.values()) await removeFolder((await template).folder);
});

async function withWreck(runtime: Runtime, run: (cluster: Cluster, wrecked: Wrecked) => Promise<void>): Promise<void> {
  await withCopy(runtime, "path", (cluster, session) => run(cluster, { session, wreck: wreckIn(cluster.root) }));
}

/** Runs a test in a copy of a killed server's folder. */
async function withCopy(
  runtime: Runtime,
  by: By,
  run: (cluster: Cluster, session: string) => Promise<void>,
): Promise<void> {
  const template = templates.get(`${runtime} ${by}`) ?? makeTemplate(runtime, by);
  templates.set(`${runtime} ${by}`, template);
  const { folder, session } = await template;
  const cluster = new Cluster(await temporaryFolder("torn"), runtime);
  try {
    // Sockets can't be copied.
    const filter = (name: string): boolean => !name.includes(`${sep}sockets${sep}`);
    await cp(folder, cluster.root, { recursive: true, preserveTimestamps: true, filter });
    await run(cluster, session);
  } finally {
    await cluster.dispose();
  }
}

/** Kills a server in the middle of an append. */
async function makeTemplate(runtime: Runtime, by: By): Promise<Template> {
  const folder = await temporaryFolder("wreck");
  const cluster = new Cluster(folder, runtime);
  const server = await cluster.start({ graceMs: 60_000 });
  const { peer, session } = await server.append("a.bin");
  await peer.send(BYTES.subarray(0, ACKED));
  await peer.acked(ACKED);
  if (by === "path") await goByPath(folder);
  await server.process.kill9();
  cluster.disconnect();
  return { folder, session };
}

async function salvage(cluster: Cluster, session: string, { fate, left = ACKED }: Omit<Tear, "tear">): Promise<void> {
  const server = await cluster.start({ graceMs: GRACE_MS });
  const resumed = await server.upgrade(`/a.bin?verb=APPEND&session=${session}`);
  const { status } = await resumed.head;
  resumed.connection.drop();
  assert.equal(status, fate === "resumes" ? 101 : 410);
  const { peer, offset } =
    fate === "resumes" ? await server.resume("a.bin", session) : await server.append("a.bin", `offset=${left}`);
  assert.equal(offset, left);
  await peer.send(BYTES.subarray(left));
  assert.equal(await peer.finish(), BYTES.length);
  assert.ok(cluster.file("a.bin").equals(BYTES), "the file is not what was appended");
  await expectClean(cluster, server);
}

/** Expects an empty reserved folder, no stack trace in the output, and a clean exit. */
async function expectClean(cluster: Cluster, server: Server): Promise<void> {
  await until(`nothing to be left in ${cluster.root}`, () => cluster.reserved().length === 0).catch((error: Error) => {
    throw new Error(`${error.message}: ${cluster.reserved().join(" ")}`);
  });
  assert.doesNotMatch(server.process.program.output, /^ {4}at .*/m, "the server printed a stack trace");
  assert.deepEqual(await server.process.program.stop(), { code: 0, signal: null });
}

/** The one name in a folder. */
function only(folder: string): string {
  const names = readdirSync(folder);
  assert.equal(names.length, 1, `${folder}: ${names.join(" ")}`);
  return join(folder, names[0] as string);
}

function wreckIn(root: string): Wreck {
  const reserved = join(root, ".httpfstream");
  const claims = only(join(reserved, "entries"));
  return {
    reserved,
    claims,
    session: only(join(reserved, "sessions")),
    entry: only(claims),
    server: only(join(reserved, "servers")),
    file: join(root, "a.bin"),
  };
}

function rewrite(file: string, change: (record: Record<string, unknown>) => unknown): void {
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")))));
}

function replaceByFolder(file: string): void {
  unlinkSync(file);
  mkdirSync(join(file, "deep"), { recursive: true });
}

function replaceByFile(folder: string): void {
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "a file");
}
