/**
 * A guard in front of one folder of a mount sees every request that reaches the folder, however the target and the
 * `Host` of the request are written: the path that is served is the path that the router has seen.
 */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { GUARDED, type Guarded } from "../fixture/guarded-app.ts";
import { executable, Program, RUNTIMES, type Runtime, scriptArguments } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const SECRET = "the secret of the guarded folder";
const KEY = Buffer.alloc(16, 7).toString("base64");

/** After this silence, in milliseconds, a request counts as answered: some servers leave the connection open. */
const SILENCE_MS = 5_000;

/** Ways to write the path of the secret below the mount. */
const PATHS = [
  "/private/secret.txt",
  "//private/secret.txt",
  "/private//secret.txt",
  "/./private/secret.txt",
  "/x/../private/secret.txt",
  "/x/%2e%2e/private/secret.txt",
  "/%70rivate/secret.txt",
  "/%2570rivate/secret.txt",
  "/private%2Fsecret.txt",
  "/private%5Csecret.txt",
  "/\\private\\secret.txt",
  "/x\\..\\private/secret.txt",
  "/private/secret.txt/",
  "/priv%61te/%zz/../secret.txt",
  "/%zz/../private/secret.txt",
  "/private%00/secret.txt",
  "/private;x/secret.txt",
  "/privat%65/secret%2etxt",
  "/%50rivate/secret.txt",
  "/a:b/private/secret.txt",
  "/:abc/private/secret.txt",
  "/private/secret.txt#x",
  "/private%23/secret.txt",
  "/%EF%BD%90rivate/secret.txt",
];

/** Ways to write a target, given the path with its mount. */
const TARGETS = [
  (path: string) => path,
  (path: string) => `http://other.example${path}`,
  (path: string) => `http://${path}`,
  (path: string) => `http://a:b@x/..${path}`,
  (path: string) => `HTTP://other${path}`,
  (path: string) => `/${path}`,
  (path: string) => `/ab${path}`,
  (path: string) => `/a:bc${path}`,
  (path: string) => `http+unix://x${path}`,
];

/** The values of the `Host` headers of a request. */
const HOSTS: (readonly string[])[] = [
  [],
  ["x"],
  [""],
  ["/"],
  ["a/private"],
  ["a/streams"],
  ["a/streams/"],
  ["1/streams/"],
  ["\u00fc/12345"],
  ["a?b"],
  ["a#b"],
  ["a b"],
  ["a\\b"],
  ["u@a"],
  ["["],
  ["[::1]"],
  [":80"],
  ["x:99999"],
  ["a", "b"],
  ["a", "/"],
  ["a, b"],
];

/** The `Host` headers that differ most, for apps that resemble the first one. */
const FEW_HOSTS: (readonly string[])[] = [["x"], [], [""], ["a/streams"], ["/"]];

/** A server process with the guarded apps, on TCP and, if it supports them, on Unix sockets. */
interface Server {
  readonly name: string;
  readonly runtime: Runtime;
  readonly script: string;
  readonly apps: readonly Guarded[];
  readonly unix: boolean;
}

const ALL = Object.keys(GUARDED) as Guarded[];

const SERVERS: Server[] = RUNTIMES.flatMap((runtime) => [
  { name: `mounted on ${runtime}`, runtime, script: `guarded-${runtime}.ts`, apps: ALL, unix: runtime !== "node" },
  { name: `behind serve() on ${runtime}`, runtime, script: "guarded-standalone.ts", apps: ["root"], unix: false },
]);

for (const server of SERVERS) {
  const root = await temporaryFolder("guarded");
  const file = join(root, "private", "secret.txt");
  await mkdir(join(root, "private"));
  await writeFile(file, SECRET);
  const script = scriptArguments(server.runtime, join("test", "fixture", server.script));
  const program = new Program(await executable(server.runtime), [...script, root]);

  describe(`a guarded folder, ${server.name}`, { timeout: 180_000 }, () => {
    after(async () => {
      await program.stop("SIGKILL");
      await removeFolder(root);
    });

    /** Sends requests, and checks that none of them reads or changes the secret. */
    async function expectSafe(where: Where, requests: readonly Hostile[]): Promise<void> {
      const left = [...requests];
      const worker = async (): Promise<void> => {
        for (let request = left.pop(); request; request = left.pop()) {
          const answer = await send(where, request);
          assert.doesNotMatch(answer, new RegExp(SECRET), JSON.stringify(request));
        }
      };
      await Promise.all(Array.from({ length: 8 }, worker));
      assert.equal(await readFile(file, "utf8"), SECRET, "the guarded file was written to");
    }

    for (const name of server.apps) {
      const mount = GUARDED[name];
      it(`is not reached past the guard of the app "${name}"`, async () => {
        const [, port] = await program.printed(new RegExp(`^${name} at http://127.0.0.1:(\\d+)`, "m"));
        const where = { port: Number(port), host: "127.0.0.1" };
        const open = await send(where, { method: "PUT", target: `${mount}/${name}.txt?verb=APPEND`, hosts: ["x"] });
        assert.match(open, /^HTTP\/1\.1 200 /, "what is not guarded can be written");
        const read = await send(where, { method: "GET", target: `${mount}/${name}.txt`, hosts: ["x"] });
        assert.match(read, /^HTTP\/1\.1 200 [\s\S]*x/, "and read");
        const guarded = await send(where, { method: "GET", target: `${mount}/private/secret.txt`, hosts: ["x"] });
        assert.match(guarded, /^HTTP\/1\.1 401 /);
        await expectSafe(where, everyRequest(mount, name === "root"));
      });

      if (!server.unix || name !== "plain") continue;
      it(`is not reached past the guard of the app "${name}" through a Unix socket`, async () => {
        await program.printed(new RegExp(`^${name} at `, "m"));
        await expectSafe({ path: join(root, `${name}.sock`) }, everyRequest(mount, false));
      });
    }
  });
}

type Where = { port: number; host: string } | { path: string };

interface Hostile {
  readonly method: "GET" | "PUT" | "UPGRADE";
  readonly target: string;
  readonly hosts: readonly string[];
  readonly version?: "1.0" | "1.1";
}

/** All paths with a valid `Host` and with none, and all targets with every `Host` or with a few of them. */
function everyRequest(mount: string, thorough: boolean): Hostile[] {
  const requests: Hostile[] = [];
  const add = (target: string, hosts: readonly string[]): void => {
    const version = hosts.length === 0 ? "1.0" : "1.1";
    requests.push({ method: "GET", target, hosts, version });
    requests.push({ method: "PUT", target: `${target}?verb=APPEND`, hosts, version });
    if (thorough) requests.push({ method: "UPGRADE", target: `${target}?verb=FOLLOW`, hosts, version });
  };
  for (const path of PATHS) for (const hosts of [["x"], []]) add(mount + path, hosts);
  for (const [at, target] of TARGETS.entries()) {
    for (const hosts of thorough && at < 3 ? HOSTS : FEW_HOSTS) {
      add(target(`${mount}/private/secret.txt`), hosts);
      // A host with a path could become part of the path that the router sees.
      if (mount !== "") add(target("/private/secret.txt"), hosts);
    }
  }
  return requests;
}

/** The bytes that a server sends for a request, until the response is complete, the connection ends or is silent. */
function send(where: Where, { method, target, hosts, version = "1.1" }: Hostile): Promise<string> {
  const lines = [`${method === "UPGRADE" ? "GET" : method} ${target} HTTP/${version}`];
  for (const host of hosts) lines.push(`Host: ${host}`);
  if (method === "UPGRADE") {
    lines.push("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${KEY}`);
  } else lines.push("Connection: close");
  if (method === "PUT") lines.push("Content-Length: 1");
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${method === "PUT" ? "x" : ""}`, "latin1");
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(where);
    const done = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(SILENCE_MS, done);
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      if (isWhole(answer)) done();
    });
    for (const event of ["end", "error", "close"]) socket.on(event, done);
  });
}

/** Whether a response is complete; for a WebSocket the head is enough. */
function isWhole(answer: string): boolean {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  if (rest.length === 0) return false;
  if (/^HTTP\/1\.1 101 /.test(head)) return true;
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  const body = rest.join("\r\n\r\n");
  return length === undefined ? body.endsWith("0\r\n\r\n") : body.length >= Number(length);
}
