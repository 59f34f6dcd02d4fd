import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createServer, type Server } from "node:tls";
import { executable, Program, RUNTIMES, scriptArguments } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { within } from "../fixture/until.ts";

const missing =
  spawnSync("openssl", ["version"]).status === 0 ? false : "openssl, which makes the certificate, is not installed";

describe("the client over TLS", { skip: missing }, () => {
  let folder: string;
  let server: TestServer;
  let proxy: Server;
  let url: string;

  before(async () => {
    folder = await temporaryFolder("tls");
    server = await startStandalone("node");
    const files = { key: join(folder, "key.pem"), cert: join(folder, "cert.pem") };
    const made = spawnSync("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...["-keyout", files.key, "-out", files.cert, "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
    ]);
    assert.equal(made.status, 0, String(made.stderr));
    const { hostname, port } = new URL(server.url);
    proxy = createServer({ key: readFileSync(files.key), cert: readFileSync(files.cert) }, (secure) => {
      const behind = connect(Number(port), hostname);
      for (const socket of [secure, behind]) socket.on("error", () => socket.destroy());
      secure.pipe(behind).pipe(secure);
    });
    await once(proxy.listen(0), "listening");
    url = `https://localhost:${(proxy.address() as AddressInfo).port}`;
  });
  after(async () => {
    await expectCleanStop(server);
    await new Promise((resolve) => proxy.close(resolve));
    await removeFolder(folder);
  });

  for (const runtime of RUNTIMES) {
    it(`appends and follows on ${runtime}, with https and wss URLs`, async () => {
      const certificate = join(folder, "cert.pem");
      const env = { NODE_EXTRA_CA_CERTS: certificate, DENO_CERT: certificate };
      const script = scriptArguments(runtime, "test/client/tls-script.ts");
      const program = new Program(await executable(runtime), [...script, url], { env });
      assert.deepEqual(await within(program.exited, "the script to end"), { code: 0, signal: null }, program.output);
      assert.equal(program.stdout.bytes().toString(), "over TLS, over TLS");
    });
  }
});
