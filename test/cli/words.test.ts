/** The messages of the commands about wrong URLs, servers and proxies. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { waitMs } from "../../src/cli/follow/wait.ts";
import { append } from "../../src/client/mod.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone, type TestServer } from "../fixture/servers.ts";
import { command } from "./commands.ts";

let server: TestServer;
let guard: Server;
let guarded: string;
/** The request targets that the guard has received. */
const asked: string[] = [];

before(async () => {
  server = await startStandalone("node");
  await append(`${server.url}/stored`, "0123456789");
  guard = createServer((request, response) => {
    asked.push(request.url ?? "");
    const isBusy = request.url?.startsWith("/busy");
    const body = request.url?.startsWith("/json")
      ? { error: { message: "the token\u001b[31m\nhas expired" } }
      : { no: 1 };
    response.writeHead(isBusy ? 503 : 401, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => guard.listen(0, "127.0.0.1", resolve));
  guarded = `http://127.0.0.1:${(guard.address() as AddressInfo).port}`;
});
after(async () => {
  guard.closeAllConnections();
  await new Promise((resolve) => guard.close(resolve));
  await expectCleanStop(server);
});

describe("an invalid URL", () => {
  const cases: [string, RegExp][] = [
    ["http://host:99999/a", /has the port "99999", which is not a number from 0 to 65535/],
    ["http://host:8099x/a", /has the port "8099x", which/],
    ["http://[::1]:x/a", /has the port "x", which/],
    ["http:///a?", /"http:\/\/\/a\?" has no host\.|Use --query/],
    ["http://", /has no host\./],
    ["http://a b/c", /has the invalid host "a b"\./],
    ["http://me:secret@host:99999/a", /"http:\/\/host:99999\/a" has the port/],
  ];
  for (const [url, pattern] of cases) {
    it(`${url} is refused with the reason`, async () => {
      for (const verb of ["append", "follow"]) {
        const { exit, output } = await command([verb, url]);
        assert.equal(exit.code, 2, output);
        assert.match(output, pattern);
      }
    });
  }
});

describe("a query in the URL", () => {
  const cases: [string[], RegExp][] = [
    [["follow", "http://h/a?tail=10"], /"tail" in its query. Leave it out, and use --tail 10/],
    [["follow", "http://h/a?offset=now"], /use --offset now/],
    [["follow", "http://h/a?verb=APPEND"], /This command is follow; leave the verb out, or use append/],
    [["append", "http://h/a?verb=FOLLOW"], /This command is append; leave the verb out, or use follow/],
    [["append", "http://h/a?offset=5"], /"offset" in its query. It means nothing to append; leave it out/],
    [["append", "http://h/a?session=S"], /use --resume-file/],
    [["follow", "http://h/a?user=me"], /Use --query for a parameter of a proxy or guard/],
    [["follow", "--query", "tail=1", "http://h/a"], /"tail" is a parameter of the server itself/],
    [["follow", "--query", "x", "http://h/a"], /It must be NAME=VALUE/],
  ];
  for (const [args, pattern] of cases) {
    it(`${args.join(" ")} is refused with what to use instead`, async () => {
      const { exit, output } = await command(args);
      assert.equal(exit.code, 2, output);
      assert.match(output, pattern);
    });
  }

  it("may repeat the verb of the command", async () => {
    const { exit, output } = await command(["follow", `${server.url}/stored?verb=FOLLOW`]);
    assert.deepEqual([exit.code, output], [0, "0123456789"]);
  });

  it("gets parameters for a proxy or a guard from --query, and no message repeats them", async () => {
    const down = await command(["follow", "--query", "user=me & you", "--query", "x=1", `${guarded}/plain`]);
    assert.equal(down.exit.code, 1);
    assert.ok(
      asked.some((target) => target.startsWith("/plain?user=me+%26+you&x=1&verb=FOLLOW")),
      asked.join(),
    );
    const up = await command(["append", "-v", "--query", "user=s3cret", `${server.url}/queried`], { input: "x" });
    assert.equal(up.exit.code, 0, up.output);
    assert.doesNotMatch(up.output, /s3cret/);
  });
});

describe("a path that is refused", () => {
  it("is quoted with its slashes, and with what is wrong with its bytes", async () => {
    for (const [path, pattern] of [
      ["/%ff", /"%ff" is not valid percent-encoded UTF-8/],
      ["//x", /The path "\/\/x" is refused: it has an empty segment/],
    ] as const) {
      const { exit, output } = await command(["follow", `${server.url}${path}`]);
      assert.equal(exit.code, 1);
      assert.match(output, pattern);
    }
  });
});

describe("a guard in front of the server", () => {
  it("is quoted in one printable line if it explains the refusal in JSON", async () => {
    for (const verb of ["append", "follow"]) {
      const { exit, output } = await command([verb, `${guarded}/json`], { input: "x" });
      assert.equal(exit.code, 1);
      const said =
        "unauthorized: The server answered 401 Unauthorized: the token\\\\e\\[31m has expired. Give a token with --token-file or HTTPFSTREAM_TOKEN.";
      assert.match(output, new RegExp(`^httpfstream ${verb}: ${said}\\n$`));
    }
  });

  it("that is busy has its response quoted as a complete sentence", async () => {
    const busy = await command(["follow", "--retry-for", "1", `${guarded}/busy`]);
    assert.equal(busy.exit.code, 1);
    assert.match(
      busy.output,
      /^The server answered 503 Service Unavailable: \{"no":1\}\. Trying http\S+ again for up to 1 s\.\n/,
    );
  });
});

for (const runtime of RUNTIMES) {
  describe(`https to a server without TLS, on ${runtime}`, () => {
    it("is reported as such", async () => {
      for (const args of [["append"], ["follow"], ["follow", "--transport", "http"]]) {
        const url = `${server.url.replace("http:", "https:")}/stored`;
        const { exit, output } = await command([...args, url], { runtime, input: "x" });
        assert.equal(exit.code, 1);
        const sentences =
          / unreachable: The server at 127\.0\.0\.1:\d+ does not use TLS on this port\. Use an http:\/\/ URL/;
        assert.match(output, sentences);
      }
    });
  });
}

describe("follow --wait", () => {
  it("polls quickly at first, and every five seconds later", () => {
    const waits = Array.from({ length: 12 }, (_, index) => waitMs(index + 1));
    assert.equal(waits[0], 500);
    assert.ok(waits.every((wait, index) => index === 0 || wait >= (waits[index - 1] ?? 0)));
    assert.equal(waits.at(-1), 5_000);
  });
});
