/** All peers. @module */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ROOT } from "../../lib/install.mjs";
import type { AppendDialect, FollowDialect } from "../generator/protocol.ts";
import type { Options } from "../options.ts";
import { ALGORITHMS, createTokens } from "./gate.ts";
import { type Peer, RUNTIMES, type Runtime, type Way } from "./peer.ts";

/** The paths of nginx and of nchan. */
const NGINX = "/usr/sbin/nginx";
const NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";
/** The ways that are also measured with tokens. */
const GATED: readonly Way[] = ["v1", "classic", "http"];

/** nchan keeps all messages, because results with lost messages would not be comparable. */
const NCHAN = `
    nchan_message_buffer_length 4000000; nchan_message_timeout 0; client_max_body_size 16m;
    location ~ ^/append/(.+)$ { nchan_publisher websocket; nchan_channel_id $1; }
    location ~ ^/start/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message oldest; }
    location ~ ^/now/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message newest; }`;

/** How many tokens there are for clients with one each: enough for the followers of `connect` and its warm-up. */
const MAX_TOKENS = 2500;

const NODE = `Node ${process.versions.node}`;
const VERSIONS = { node: NODE, deno: packageVersion("deno", "Deno"), bun: packageVersion("bun", "Bun") };
const DURABLE_VERSION = packageVersion("@durable-streams/server");
const NGINX_VERSION = output("/bin/sh", "-c", `${NGINX} -v 2>&1`).replace(/^.*?nginx\//, "nginx ");
const NCHAN_VERSION = output("dpkg-query", "--show", "libnginx-mod-nchan").replace("\t", " ");

/** How to talk with Durable Streams. */
const STREAMS = {
  append: { url: "/{path}", dialect: "posts" },
  raw: { url: "/{path}", dialect: "posts" },
  follow: { url: "/{path}?live=sse&offset=-1", dialect: "sse" },
  tail: { url: "/{path}?live=sse&offset=now", dialect: "sse" },
  polls: { url: "/{path}?live=long-poll&offset=-1", dialect: "polls" },
  read: { url: "/{path}?offset=-1", dialect: "polls" },
} as const;

/** The ways of talking to httpfstream: the ends of their peers' names, and their dialects. */
const WAYS = [
  { way: "v1", suffix: "", title: "v1", ...verbs("v1", "v1") },
  { way: "classic", suffix: "-classic", title: "classic", ...verbs("frames", "frames") },
  { way: "http", suffix: "-http", title: "followers over HTTP", ...verbs("v1", "body") },
  { ...STREAMS, way: "streams", suffix: "-streams", title: "Durable Streams", raw: verbs("posts", "v1").append },
  { ...STREAMS, way: "disk", suffix: "-disk", title: "Durable Streams on disk", raw: verbs("posts", "v1").append },
  { ...verbs("v1", "v1"), way: "posted", suffix: "-posted", title: "v1, with appends by POST", append: STREAMS.append },
  { ...verbs("v1", "v1"), way: "workers", suffix: "-workers", title: "two workers", raw: verbs("posts", "v1").append },
] as const;
const FLAGS: Partial<Record<Way, readonly string[]>> = { disk: ["--durability", "disk"], workers: ["--workers", "2"] };

/** The verbs of httpfstream, in the dialects of appenders and of followers. */
function verbs<Append extends AppendDialect, Follow extends FollowDialect>(append: Append, follow: Follow) {
  return {
    append: { url: "/{path}?verb=APPEND", dialect: append },
    follow: { url: "/{path}?verb=FOLLOW", dialect: follow },
    tail: { url: "/{path}?verb=FOLLOW&offset=now", dialect: follow },
    read: { url: "/{path}", dialect: "body" },
  } as const;
}

/** The systems to compare with. */
const OTHERS: readonly Peer[] = [
  {
    name: "bare",
    title: "bare ws broadcast, nothing stored",
    version: `${packageVersion("ws")}, ${NODE}`,
    abilities: ["append", "live", "local"],
    command: (port) => script("bare-ws.mjs", port),
    append: { url: "/{path}?verb=APPEND", dialect: "counted" },
    follow: { url: "/{path}", dialect: "frames" },
    tail: { url: "/{path}", dialect: "frames" },
  },
  {
    name: "nchan",
    title: "nchan, messages kept in memory",
    version: `${NGINX_VERSION}, ${NCHAN_VERSION}`,
    abilities: ["append", "live", "replay", "local"],
    missing: existsSync(NCHAN_MODULE) ? undefined : "nchan is not installed: apt-get install nginx libnginx-mod-nchan",
    command: (port, folder) => nginxCommand("nchan", port, folder),
    processes: 2,
    append: { url: "/append/{path}", dialect: "replies" },
    follow: { url: "/start/{path}", dialect: "frames" },
    tail: { url: "/now/{path}", dialect: "frames" },
  },
  durable("durable", "flushed to disk", ["append", "live", "replay", "read", "streams", "local"]),
  durable("durable-memory", "in memory", ["streams", "local"]),
  {
    name: "sendfile",
    title: "nginx with sendfile",
    version: NGINX_VERSION,
    abilities: ["read", "local"],
    missing: existsSync(NGINX) ? undefined : "nginx is not installed: apt-get install nginx",
    command: (port, folder) => nginxCommand("sendfile", port, folder),
    processes: 2,
    read: { url: "/{path}", dialect: "body" },
    files: "files",
  },
  { name: "cat", title: "cat, from file to file or to a pipe", version: `Linux ${release()}`, abilities: ["copy"] },
];

function durable(name: string, kind: string, abilities: Peer["abilities"]): Peer {
  return {
    ...{ ...STREAMS, name, abilities },
    title: `Durable Streams reference server, POST and SSE, ${kind}`,
    version: `${DURABLE_VERSION}, ${NODE}`,
    missing: DURABLE_VERSION ? undefined : `${name} is not installed: npm ci`,
    command: (port, folder) => script("durable-streams.mjs", port, name === "durable" ? folder : ""),
  };
}

/** Returns all peers, with our own first. `program` is the compiled `mod.js` of the checkout. */
export function allPeers({ url, against, profile }: Options, program: string): Peer[] {
  const profiling = profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profile];
  const checkout = RUNTIMES.flatMap((runtime) =>
    httpfstream(`httpfstream-${runtime}`.replace("-node", ""), "httpfstream", {
      version: VERSIONS[runtime] ?? "",
      runtime,
      missing: VERSIONS[runtime] ? undefined : `${runtime} is not installed: npm ci`,
      command: (port, folder) => serve(runtime, [...profiling, program], port, folder),
    }),
  );
  const running = httpfstream("running", "the server that runs already", {
    ...{ version: url ?? "", origin: url?.replace(/\/$/, "") ?? "" },
    abilities: ["append", "live", "replay", "read", "streams"],
    files: undefined,
  }).filter(({ way }) => way !== "disk" && way !== "workers");
  const other = httpfstream("other", against ?? "", {
    ...{ version: NODE, isOurs: false },
    command: (port, folder) => serve("node", [against ?? ""], port, folder),
  });
  const gated = ALGORITHMS.flatMap((alg) => [...gatedPeers(program, alg, 1), ...gatedPeers(program, alg, MAX_TOKENS)]);
  return [...(url ? running : [...checkout, ...gated]), ...(against ? other : []), ...OTHERS];
}

/** Creates the peers that ask for tokens: one that all clients share, or one for each. */
function gatedPeers(program: string, alg: (typeof ALGORITHMS)[number], count: number): Peer[] {
  const { jwks, tokens } = createTokens(alg, count);
  const [suffix, words] = count === 1 ? ["", "one token for all"] : ["-each", "a token for each"];
  const command = (port: number, folder: string): readonly string[] => {
    const file = join(folder, "jwks.json");
    writeFileSync(file, jwks, { mode: 0o600 });
    return [...serve("node", [program], port, folder), "--jwks", file];
  };
  const build = { version: NODE, command };
  return httpfstream(`httpfstream-${alg.toLowerCase()}${suffix}`, `httpfstream, ${alg}, ${words}`, build, tokens);
}

/** Creates a peer for each way of talking to a build of httpfstream, which asks for tokens if there are any. */
function httpfstream(
  name: string,
  title: string,
  build: Partial<Peer> & Pick<Peer, "version">,
  tokens?: string[],
): Peer[] {
  const [own, any] = tokens ? [`&access_token=${tokens[0]}`, "&access_token={token}"] : ["", ""];
  return WAYS.filter(({ way }) => !tokens || GATED.includes(way)).map(({ suffix, ...way }) => ({
    ...{ isOurs: true, runtime: "node", files: ".", ungated: tokens && `httpfstream${suffix}` },
    abilities: ["append", "live", "replay", "read", "streams", "local"],
    ...way,
    ...build,
    append: { ...way.append, url: way.append.url + own },
    follow: { ...way.follow, url: way.follow.url + any, tokens },
    name: name + suffix,
    title: `${title}, ${way.title}`,
    ...(way.way === "workers" && { processes: 3 }),
    command: build.command && ((...at) => [...(build.command?.(...at) ?? []), ...(FLAGS[way.way] ?? [])]),
  }));
}

function serve(runtime: Runtime, program: readonly string[], port: number, folder: string): readonly string[] {
  const args = ["serve", "--root", folder, "--http", `127.0.0.1:${port}`, "--log-level", "warning"];
  if (runtime === "node") return [process.execPath, ...program, ...args];
  // The real executables instead of npm's wrapper scripts, so that signals and /proc refer to the server.
  const wrapper = join(ROOT, "node_modules", ".bin", runtime);
  const source = [join(ROOT, "mod.ts"), ...args];
  if (runtime === "bun") return [output(wrapper, "-e", "console.log(process.execPath)"), ...source];
  return [output(wrapper, "eval", "console.log(Deno.execPath())"), "run", "-A", ...source];
}

function script(name: string, port: number, folder = ""): readonly string[] {
  return [process.execPath, fileURLToPath(new URL(name, import.meta.url)), String(port), ...(folder ? [folder] : [])];
}

/** Returns the name and version of an installed package. */
function packageVersion(name: string, title = name): string | undefined {
  const file = join(ROOT, "node_modules", name, "package.json");
  return existsSync(file) ? `${title} ${JSON.parse(readFileSync(file, "utf8")).version}` : undefined;
}

function output(program: string, ...args: readonly string[]): string {
  return spawnSync(program, args, { encoding: "utf8" }).stdout?.trim() ?? "";
}

/** Configures nginx with one worker, as all other peers use one thread for the network, and returns the command. */
function nginxCommand(kind: "nchan" | "sendfile", port: number, folder: string): readonly string[] {
  const files = join(folder, "files");
  mkdirSync(files);
  const file = join(folder, "nginx.conf");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const configuration = `${kind === "nchan" ? `load_module ${NCHAN_MODULE};` : ""}
daemon off; worker_processes 1; worker_rlimit_nofile 16000; pid ${folder}/nginx.pid;
user ${process.getuid?.() === 0 ? "root" : "nobody"};
events { worker_connections 12000; }
http {
  access_log off; ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
  ${kind === "nchan" ? "nchan_shared_memory_size 4096m;" : ""}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${kind === "nchan" ? NCHAN : `root ${files}; sendfile on; tcp_nopush on;`}
  }
}
`;
  writeFileSync(file, configuration);
  return [NGINX, "-c", file, "-p", folder, "-e", join(folder, "error.log")];
}
