/** The gate of the standalone server. */
import assert from "node:assert/strict";
import { rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Signer, sign, signer } from "../auth/tokens.ts";
import { request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { type ServerOptions, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { start } from "./commands.ts";

const ALL = { httpfstream: { read: ["/**"], append: ["/**"], list: ["/**"], delete: ["/**"] } };

let folder: string;
before(async () => {
  folder = await temporaryFolder("gate");
});
after(() => removeFolder(folder));

async function keyFile(name: string, { jwk }: Signer): Promise<string> {
  const file = join(folder, name);
  // Replaced at once, as a careful operator does, so that the server never sees a half of it.
  await writeFile(`${file}.new`, JSON.stringify(jwk), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return file;
}

async function serving(options: ServerOptions, work: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startStandalone("node", options);
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

/** The status of a GET, with a token if one is given. */
async function statusOf(server: TestServer, path: string, token?: string): Promise<number> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(`${server.url}${path}`, { headers });
  await response.body?.cancel();
  return response.status;
}

describe("the gate of the standalone server", () => {
  for (const runtime of RUNTIMES) {
    it(`asks for tokens of its key, and follows a change of the key file, on ${runtime}`, async () => {
      const [first, second] = await Promise.all([signer("HS256"), signer("ES256")]);
      const file = await keyFile(`${runtime}.json`, first);
      const server = await startStandalone(runtime, { args: ["--key", file] });
      try {
        const token = await sign(first, ALL);
        assert.deepEqual([await statusOf(server, "/"), await statusOf(server, "/", token)], [401, 200]);
        assert.doesNotMatch(server.program.output, /open|every program/i);
        await keyFile(`${runtime}.json`, second);
        const next = await sign(second, ALL);
        await until("the new key to be used", async () => (await statusOf(server, "/", next)) === 200);
        assert.equal(await statusOf(server, "/", token), 401);
        await writeFile(file, "half a k");
        // The last good key stays in use.
        await until("the bad key to be reported", async () => {
          assert.equal(await statusOf(server, "/", next), 200);
          return /The key in .* can't be used: it is neither a JWK/.test(server.program.output);
        });
        for (const secret of [token, next, String(first.jwk.k)]) {
          assert.equal(server.program.output.includes(secret), false, "the log has no secrets");
        }
      } finally {
        await server.stop();
      }
    });
  }

  it("takes keys from a set at a URL, besides its own, and checks audience and issuer", async () => {
    const [own, theirs] = await Promise.all([signer("HS256"), signer("ES256", "1")]);
    const provider = createServer((_, response) => response.end(JSON.stringify({ keys: [theirs.jwk] })));
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
    const jwks = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`;
    const file = await keyFile("own.json", own);
    const env = {
      HTTPFSTREAM_KEY: file,
      HTTPFSTREAM_JWKS: jwks,
      HTTPFSTREAM_AUDIENCE: "a b",
      HTTPFSTREAM_ISSUER: "id",
    };
    try {
      await serving({ env }, async (server) => {
        for (const each of [own, theirs]) {
          assert.equal(await statusOf(server, "/", await sign(each, { ...ALL, aud: "b", iss: "id" })), 200);
          assert.equal(await statusOf(server, "/", await sign(each, { ...ALL, aud: "c", iss: "id" })), 401);
          assert.equal(await statusOf(server, "/", await sign(each, { ...ALL, aud: "b", iss: "x" })), 401);
        }
      });
    } finally {
      provider.closeAllConnections();
      provider.close();
    }
  });

  it("lets requests without a token do what --anonymous says", async () => {
    const file = await keyFile("anonymous.json", await signer("HS256"));
    const args = ["--key", file, "--anonymous", "read,list=/public/**", "--anonymous", "append=/drop/*"];
    await serving({ args }, async (server) => {
      assert.deepEqual([await statusOf(server, "/public/a"), await statusOf(server, "/private/a")], [404, 401]);
      const put = { method: "PUT", body: "x" };
      assert.equal((await fetch(`${server.url}/drop/a?verb=APPEND`, put)).status, 200);
      assert.equal((await fetch(`${server.url}/public/a?verb=APPEND`, put)).status, 401);
    });
  });

  it("without keys, allows what --anonymous says, and refuses all else with 403", async () => {
    await serving({ env: { HTTPFSTREAM_ANONYMOUS: "read=/a/** list=/" } }, async (server) => {
      assert.deepEqual([await statusOf(server, "/"), await statusOf(server, "/a/x")], [200, 404]);
      assert.equal(await statusOf(server, "/b"), 403);
    });
  });

  it("makes the check of Host needless, which an open server on this machine has", async () => {
    const file = await keyFile("host.json", await signer("HS256"));
    const headers = { Host: "streams.example.com" };
    await serving({ args: ["--key", file] }, async (server) => {
      assert.equal((await request(server.url, { target: "/a", headers })).status, 401);
    });
    await serving({}, async (server) => {
      assert.equal((await request(server.url, { target: "/a", headers })).status, 421);
    });
  });

  it("is missed in one line, which is louder where other machines can reach the server", async () => {
    await serving({}, async (server) => {
      await server.program.printed(/^Every program on this machine may read and append\. .*--key.*\n/m);
    });
    await serving({ args: ["--http", "0.0.0.0:0"] }, async (server) => {
      await server.program.printed(/^WARNING: THIS SERVER IS OPEN\. .*--key.*\n/m);
    });
  });

  it("is told what it leaves open with --anonymous, louder where other machines can reach the server", async () => {
    const file = await keyFile("opened.json", await signer("HS256"));
    const anonymous = ["--anonymous", "read,list=/a/**", "--anonymous", "append=/drop/*"];
    const what = "read /a/**, list /a/**, append /drop/*.";
    for (const keys of [[], ["--key", file]]) {
      await serving({ args: [...keys, ...anonymous] }, async ({ program }) => {
        await program.printed(/^Every program on this machine may, without a token: .*\n/m);
        assert.ok(program.output.includes(what), program.output);
      });
      await serving({ args: ["--http", "0.0.0.0:0", ...keys, ...anonymous] }, async ({ program }) => {
        await program.printed(/^WARNING: OPEN TO EVERY MACHINE that can reach this server, without a token: .*\n/m);
        assert.ok(program.output.includes(what), program.output);
      });
    }
  });

  const wrong: [string[], Record<string, string>, number, RegExp][] = [
    [["--key", ""], {}, 2, /It is empty/],
    [[], { HTTPFSTREAM_KEY: "" }, 2, /HTTPFSTREAM_KEY.* It is empty/],
    [[], { HTTPFSTREAM_JWKS: "" }, 2, /HTTPFSTREAM_JWKS.* It is empty/],
    [[], { HTTPFSTREAM_ANONYMOUS: "" }, 2, /HTTPFSTREAM_ANONYMOUS.* ACTION=PATH/],
    [["--key", "http://a.example/keys"], {}, 2, /needs --jwks/],
    [["--audience", "a"], {}, 2, /--audience needs --key or --jwks/],
    [["--issuer", "a"], {}, 2, /--issuer needs --key/],
    [["--anonymous", "read=public"], {}, 2, /must begin with a slash/],
    [["--anonymous", "write=/**"], {}, 2, /"write" is not an action; there are read, list, append, delete/],
    [["--key", "missing.json"], {}, 1, /The key in missing\.json can't be used: no such file/],
    [["--jwks", "package.json"], {}, 1, /The key in package\.json can't be used: it is neither a JWK/],
  ];
  for (const [args, env, code, message] of wrong) {
    it(`${[...args, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].join(" ")} is refused`, async () => {
      const line = ["serve", "--root", join(folder, "data"), "--http", "127.0.0.1:0", ...args];
      const server = await start("bun", line, env);
      const exit = await server.end();
      assert.deepEqual([exit.code, String(server.stdout.bytes())], [code, ""]);
      assert.match(String(server.stderr.bytes()), message);
      assert.match(String(server.stderr.bytes()), /^[^\n]+\n$/);
    });
  }
});
