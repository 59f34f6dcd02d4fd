/** Where webhooks may lead, and how they are sent: an attacker chooses the URL, and what the name resolves to. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { CheckedSender } from "../../src/runtime/webhooks/sender.ts";
import { isAllowed, refusalOfUrl } from "../../src/runtime/webhooks/target.ts";
import { within } from "../fixture/until.ts";

/** A server on a loopback address; resolves to its port. */
async function listening(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const send = (sender: CheckedSender, url: string, timeoutMs = 20_000, signal = new AbortController().signal) =>
  within(sender.send({ url, headers: { "Webhook-Signature": "t=1" }, body: "{}", timeoutMs, signal }), "the answer");

describe("the URL of a webhook", () => {
  test("is https, or http to this machine", () => {
    for (const url of [
      "https://hooks.example/a?b",
      "https://hooks.example:8443/",
      "http://localhost:1/",
      "http://127.0.0.1/",
      "http://127.8.9.1/",
    ]) {
      assert.equal(refusalOfUrl(url), undefined, url);
    }
    const refused = [
      ...["", "hooks.example", "ftp://hooks.example/", "file:///etc/passwd", "javascript:0", "http://hooks.example/"],
      ...[
        "http://10.0.0.1/hook",
        "http://192.168.0.1/",
        "http://169.254.169.254/latest",
        "http://0.0.0.0/",
        "http://[::1]/",
      ],
      ...[
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://user@127.0.0.1/",
        "https://a:b@hooks.example/",
      ],
      ...[
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://172.31.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/",
      ],
      ...[
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://2130706433/",
      ],
      ...[
        "https://0x7f.1/",
        "https://[::]/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[ff02::1]/",
      ],
      ...[
        "https://[::ffff:10.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
      ],
      ...["https://[2001:db8::1]/", "https://[::10.0.0.1]/", "https://[fec0::1]/"],
    ];
    for (const url of refused) assert.notEqual(refusalOfUrl(url), undefined, url);
  });

  test("leads to public addresses only", () => {
    for (const address of ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"]) {
      assert.equal(isAllowed("https://hooks.example/", address), true, address);
      assert.equal(isAllowed("http://localhost/", address), false, address);
    }
    for (const address of ["127.0.0.1", "::1"]) {
      assert.equal(isAllowed("https://hooks.example/", address), false, address);
      assert.equal(isAllowed("http://localhost/", address), true, address);
    }
    for (const address of ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1", "", "x"]) {
      for (const url of ["https://hooks.example/", "http://localhost/"])
        assert.equal(isAllowed(url, address), false, address);
    }
  });
});

describe("the sender of webhooks", () => {
  test("refuses a name if one of its addresses is not public, when a subscription is created and each time", async () => {
    const addresses = [{ address: "93.184.216.34", family: 4 }];
    const sender = new CheckedSender(async () => addresses);
    assert.equal(await sender.check("https://hooks.example/"), undefined);
    addresses.push({ address: "10.0.0.1", family: 4 });
    assert.match((await sender.check("https://hooks.example/")) ?? "", /10\.0\.0\.1/);
    await assert.rejects(send(sender, "https://hooks.example/"), /10\.0\.0\.1/);
    const nowhere = new CheckedSender(async () => Promise.reject(new Error("ENOTFOUND")));
    assert.match((await nowhere.check("https://hooks.example/")) ?? "", /looked up/);
    assert.match((await new CheckedSender(async () => []).check("https://hooks.example/")) ?? "", /no address/);
  });

  test("connects to the address that it has checked, and asks for the name only once", async (t) => {
    const seen: unknown[] = [];
    const port = await listening(t, (request, response) => {
      seen.push([request.method, request.headers.host, request.headers["webhook-signature"]]);
      response.end('{"done": true}');
    });
    let lookups = 0;
    const sender = new CheckedSender(async () => {
      // The second answer would lead elsewhere.
      lookups++;
      return [{ address: lookups === 1 ? "127.0.0.1" : "127.0.0.2", family: 4 }];
    });
    const { status, text } = await send(sender, `http://localhost:${port}/hook`);
    assert.deepEqual([status, text, lookups], [200, '{"done": true}', 1]);
    assert.deepEqual(seen, [["POST", `localhost:${port}`, "t=1"]]);
  });

  test("follows no redirect", async (t) => {
    let requests = 0;
    const port = await listening(t, (_, response) => {
      requests++;
      response.writeHead(307, { Location: "/elsewhere" }).end();
    });
    assert.equal((await send(new CheckedSender(), `http://127.0.0.1:${port}/`)).status, 307);
    assert.equal(requests, 1);
  });

  test("reads only a short answer", async (t) => {
    const port = await listening(t, (_, response) => {
      response.write("x".repeat(20_000));
    });
    await assert.rejects(send(new CheckedSender(), `http://127.0.0.1:${port}/`), /16384 bytes/);
  });

  test("takes neither any number of interim responses nor another protocol for an answer", async (t) => {
    const raw = async (head: string): Promise<number> => {
      const server = createTcpServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.write(head));
        t.after(() => socket.destroy());
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.close());
      return (server.address() as AddressInfo).port;
    };
    const hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const few = await raw(hint.repeat(10) + answer);
    assert.equal((await send(new CheckedSender(), `http://127.0.0.1:${few}/`)).text, "ok");
    const many = await raw(hint.repeat(11));
    await assert.rejects(send(new CheckedSender(), `http://127.0.0.1:${many}/`), /interim/);
    const other = await raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    await assert.rejects(send(new CheckedSender(), `http://127.0.0.1:${other}/`), /101/);
  });

  test("waits only so long for the name, for the answer and for its body", async (t) => {
    const silent = await listening(t, () => {});
    const slow = await listening(t, (_, response) => {
      response.write("{");
    });
    for (const port of [silent, slow]) {
      await assert.rejects(send(new CheckedSender(), `http://127.0.0.1:${port}/`, 50), /50 ms/);
    }
    const never = new CheckedSender(() => new Promise(() => {}));
    await assert.rejects(send(never, "https://hooks.example/", 50), /50 ms/);
  });

  test("stops when it is told to", async (t) => {
    const controller = new AbortController();
    const port = await listening(t, () => controller.abort(new Error("stopped")));
    await assert.rejects(send(new CheckedSender(), `http://127.0.0.1:${port}/`, 20_000, controller.signal), /stopped/);
    await assert.rejects(send(new CheckedSender(), `http://127.0.0.1:${port}/`, 20_000, controller.signal), /stopped/);
  });
});
