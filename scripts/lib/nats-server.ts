/**
 * Finds a nats-server for the tests, or fetches one from Debian's archives, which sign what they have. It is not installed: the
 * program is unpacked into a cache folder. This needs `apt-get` and `dpkg-deb`, but no root.
 * @module
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** The oldest version that the store works with. */
const LEAST_NATS: readonly [number, number] = [2, 12];

/** The releases that are searched, in this order. Older ones have older servers. */
const RELEASES = ["testing", "unstable", "trixie-backports", "trixie"];

/** Names by which a release may be listed, besides the one that the machine runs. */
const ALIASES = ["stable", "testing", "sid", "unstable"];

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** A server that can be started, or why there is none. */
export type NatsServer = { readonly path: string; readonly version: string } | { readonly missing: string };

/**
 * Finds a nats-server: the one that the environment variable `NATS_SERVER` names, one that was fetched before, an installed one,
 * or one from Debian's archives.
 *
 * @param mayFetch Whether to fetch one. Default true.
 */
export function natsServer(mayFetch = true): NatsServer {
  const named = process.env["NATS_SERVER"];
  if (named !== undefined && named !== "") {
    const version = versionOf(named);
    if (isRecent(version)) return { path: named, version };
    return { missing: `NATS_SERVER names ${named}, which is no nats-server ${LEAST_NATS.join(".")} or later` };
  }
  const cached = join(cacheFolder(), "nats-server");
  for (const path of [cached, "nats-server", "/usr/sbin/nats-server"]) {
    const version = versionOf(path);
    if (isRecent(version)) return { path, version };
  }
  return mayFetch ? fetched(cached) : { missing: "there is none, and none was to be fetched" };
}

/** Where the server is kept. */
function cacheFolder(): string {
  const caches = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(caches, "httpfstream", "nats");
}

/** The version in what `nats-server --version` prints; undefined if there is none. */
export function versionIn(output: string): string | undefined {
  return /\bv?(\d+\.\d+\.\d+)\b/.exec(output)?.[1];
}

/** Whether a version is recent enough. */
export function isRecent(version: string | undefined): version is string {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  const [leastMajor, leastMinor] = LEAST_NATS;
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** The addresses of Debian's main archive in a list of index targets: one per line, the address and the release. */
export function archivesIn(targets: string, running: string): string[] {
  const lines = targets.split("\n").map((line) => line.trim().split(/\s+/));
  const known = lines.filter(([, release = ""]) => release === running || ALIASES.includes(release));
  return [...new Set(known.map(([address = ""]) => address))].filter((address) => address !== "").sort();
}

function versionOf(path: string): string | undefined {
  if (path.includes("/") && !existsSync(path)) return undefined;
  const { status, stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  return status === 0 ? versionIn(stdout) : undefined;
}

function fetched(into: string): NatsServer {
  if (!existsSync(KEYRING))
    return { missing: `this is no Debian system: ${KEYRING} is missing; set NATS_SERVER to a nats-server` };
  const archives = archivesIn(indexTargets(), runningRelease());
  if (archives.length === 0)
    return { missing: "apt knows no address of Debian's main archive; set NATS_SERVER to a nats-server" };
  mkdirSync(cacheFolder(), { recursive: true });
  const work = mkdtempSync(join(cacheFolder(), "fetch-"));
  const failures: string[] = [];
  try {
    for (const release of RELEASES) {
      for (const archive of archives) {
        const found = unpacked(work, archive, release);
        if ("error" in found) {
          failures.push(`${release}: ${found.error}`);
          continue;
        }
        const version = versionOf(found.path);
        if (!isRecent(version)) {
          failures.push(`${release}: it has version ${version}`);
          continue;
        }
        // Another process may do the same: the file appears whole.
        const whole = `${into}.${process.pid}`;
        copyFileSync(found.path, whole);
        renameSync(whole, into);
        return { path: into, version };
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const reasons = failures.map((failure) => `\n  ${failure}`).join("");
  return {
    missing: `no release of Debian has nats-server ${LEAST_NATS.join(".")} or later; set NATS_SERVER to one:${reasons}`,
  };
}

/** Fetches and unpacks the package of one release, with lists and caches of its own. */
function unpacked(work: string, archive: string, release: string): { path: string } | { error: string } {
  const sources = join(work, "sources.list");
  const root = join(work, "root");
  const debs = join(work, "debs");
  for (const folder of [join(work, "lists", "partial"), join(work, "archives", "partial"), debs]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  rmSync(root, { recursive: true, force: true });
  writeFileSync(sources, `deb [signed-by=${KEYRING}] ${archive} ${release} main\n`);
  const options = [
    ...["-q", "-o", `Dir::Etc::sourcelist=${sources}`, "-o", "Dir::Etc::sourceparts=/dev/null"],
    ...["-o", `Dir::State::lists=${join(work, "lists")}`, "-o", `Dir::Cache=${work}`],
    ...["-o", `Dir::Cache::archives=${join(work, "archives")}`, "-o", "Acquire::Languages=none"],
    ...["-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=30", "-o", "APT::Sandbox::User="],
    ...["-o", "Debug::NoLocking=true", "-o", "APT::Update::Post-Invoke-Success::=/bin/true"],
  ];
  const updated = run("apt-get", [...options, "update"], work);
  if (updated !== undefined) return { error: updated };
  const downloaded = run("apt-get", [...options, "download", "nats-server"], debs);
  if (downloaded !== undefined) return { error: downloaded };
  const [deb] = readdirSync(debs).filter((name) => name.endsWith(".deb"));
  if (deb === undefined) return { error: "apt has downloaded no package" };
  const failed = run("dpkg-deb", ["-x", join(debs, deb), root], work);
  return failed === undefined ? { path: join(root, "usr", "sbin", "nats-server") } : { error: failed };
}

/** Runs a program; returns the end of what it has said if it fails. */
function run(program: string, args: readonly string[], cwd: string): string | undefined {
  const env = { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };
  const { status, stderr, stdout, error } = spawnSync(program, args, { cwd, env, encoding: "utf8" });
  if (status === 0) return undefined;
  return error ? String(error) : `${stderr || stdout}`.trim().split("\n").slice(-3).join(" ");
}

/**
 * The versions that apt knows. `--no-release-info` also shows sources that were never updated, as in a new container.
 */
function indexTargets(): string {
  const format = "$(REPO_URI) $(RELEASE)";
  const args = ["indextargets", "--no-release-info", "--format", format, "Created-By: Packages", "Component: main"];
  return spawnSync("apt-get", args, { encoding: "utf8" }).stdout ?? "";
}

function runningRelease(): string {
  const file = "/etc/os-release";
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return /^VERSION_CODENAME=["']?([\w-]+)/m.exec(text)?.[1] ?? "";
}
