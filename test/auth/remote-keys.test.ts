import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import type { JWK } from "jose";
import { type Jwk, jwt } from "../../src/auth/mod.ts";
import { ahead, ask, present, type Signer, sign, signer } from "./tokens.ts";

const READ = { httpfstream: { read: ["/**"] } };

/** An identity provider on this machine. */
class Provider {
  keys: JWK[] = [];
  status = 200;
  /** The body of the answer. Default: the keys. */
  body: string | undefined;
  fetches = 0;
  readonly #server = createServer((_request, response) => {
    this.fetches++;
    response.writeHead(this.status, { Location: "/elsewhere" }).end(this.body ?? JSON.stringify({ keys: this.keys }));
  });

  async start(): Promise<URL> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this.url();
  }

  url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks.json?secret=1`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

interface Rig {
  provider: Provider;
  gate: ReturnType<typeof jwt>;
  errors: string[];
  keys: Signer[];
}

const started: Provider[] = [];
after(() => Promise.all(started.map((provider) => provider.stop())));

/** A provider with two keys, of which it has published the first, and a gate that trusts it. */
async function rig(): Promise<Rig> {
  const provider = new Provider();
  started.push(provider);
  const keys = await Promise.all([signer("ES256", "1"), signer("ES256", "2")]);
  provider.keys = [keys[0].jwk];
  const errors: string[] = [];
  const gate = jwt({ keys: await provider.start(), onError: ({ message }) => errors.push(message) });
  return { provider, gate, errors, keys };
}

async function codeFor(gate: Rig["gate"], signing: Signer | undefined): Promise<string> {
  assert.ok(signing);
  return (await present(gate, await sign(signing, READ))).code;
}

describe("a set of keys at a URL", () => {
  test("is fetched once for all tokens, and not for requests without one", async () => {
    const { provider, gate, keys } = await rig();
    assert.equal((await ask(gate, {})).code, "unauthorized");
    assert.equal(provider.fetches, 0);
    for (let times = 0; times < 3; times++) assert.equal(await codeFor(gate, keys[0]), "allowed");
    assert.equal(await codeFor(gate, keys[1]), "unauthorized");
    assert.equal(provider.fetches, 1);
  });

  test("is fetched again for a token with an unknown key, but not for each", async () => {
    const { provider, gate, keys } = await rig();
    assert.equal(await codeFor(gate, keys[0]), "allowed");
    provider.keys.push(...keys.slice(1).map(({ jwk }) => jwk));
    await ahead(31_000, async () => {
      assert.equal(await codeFor(gate, keys[1]), "allowed");
      const unknown = await signer("ES256", "3");
      for (let times = 0; times < 5; times++) assert.equal(await codeFor(gate, unknown), "unauthorized");
    });
    assert.equal(provider.fetches, 2);
  });

  test("that loses a key ends the tokens of that key", async () => {
    const { provider, gate, keys } = await rig();
    const token = await sign(keys[0] as Signer, READ);
    assert.equal((await present(gate, token)).code, "allowed");
    provider.keys = keys.slice(1).map(({ jwk }) => jwk);
    await ahead(601_000, async () => {
      // The set is fetched in the background; requests do not wait for it.
      while ((await present(gate, token)).code === "allowed") await new Promise((resolve) => setImmediate(resolve));
      assert.equal((await present(gate, token)).code, "unauthorized");
    });
  });

  test("that can't be fetched again stays in use for a day", async () => {
    const { provider, gate, errors, keys } = await rig();
    const token = await sign(keys[0] as Signer, READ);
    assert.equal((await present(gate, token)).code, "allowed");
    provider.status = 500;
    await ahead(80_000_000, async () => {
      assert.equal(await codeFor(gate, keys[0]), "allowed");
      while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(await codeFor(gate, keys[0]), "allowed");
    });
    assert.match(errors[0] ?? "", /^The keys can't be fetched from http:\/\/127\.0\.0\.1:\d+\/jwks\.json\.$/);
    await ahead(87_000_000, async () => assert.equal((await present(gate, token)).code, "overloaded"));
  });

  test("that was never fetched lets no token in, and is not fetched for each of them", async () => {
    const { provider, gate, errors, keys } = await rig();
    provider.status = 302;
    for (let times = 0; times < 3; times++) assert.equal(await codeFor(gate, keys[0]), "overloaded");
    assert.deepEqual([provider.fetches, errors.length], [1, 1]);
    assert.equal((await ask(gate, {})).code, "unauthorized");
  });

  for (const [what, body] of [
    ["a page", "<!doctype html><title>Log in</title>"],
    ["an object without keys", '{"jwks_uri":"https://id.example.com/jwks.json"}'],
    ["a set that is too long", `{"keys":[${"{},".repeat(400_000)}{}]}`],
  ] as const) {
    test(`with ${what} in its place lets no token in, is reported, and is not fetched for each token`, async () => {
      const { provider, gate, errors, keys } = await rig();
      provider.body = body;
      for (let times = 0; times < 3; times++) assert.equal(await codeFor(gate, keys[0]), "overloaded");
      assert.deepEqual([provider.fetches, errors.length], [1, 1]);
    });

    test(`that is replaced by ${what} stays in use, and is not fetched for each unknown key`, async () => {
      const { provider, gate, errors, keys } = await rig();
      assert.equal(await codeFor(gate, keys[0]), "allowed");
      provider.body = body;
      await ahead(31_000, async () => {
        for (let times = 0; times < 3; times++) assert.equal(await codeFor(gate, keys[1]), "unauthorized");
        assert.equal(await codeFor(gate, keys[0]), "allowed");
      });
      assert.deepEqual([provider.fetches, errors.length], [2, 1]);
    });
  }

  test("that can't be fetched hinders no token of another key", async () => {
    const { provider, keys } = await rig();
    provider.status = 503;
    const own = await signer("HS256", "own");
    const unnamed = await signer("ES256");
    const url = provider.url();
    const gate = jwt({ keys: [url, own.jwk as Jwk, unnamed.jwk as Jwk], onError: () => {} });
    for (const signing of [own, unnamed]) assert.equal(await codeFor(gate, signing), "allowed");
    assert.equal(provider.fetches, 0, "nothing is fetched for a token of a local key");
    assert.equal(await codeFor(gate, keys[0]), "overloaded", "it may be a token of the set");
    const gateOfLocal = jwt({ keys: [own.jwk as Jwk, () => Promise.reject(new Error("the vault is closed"))] });
    assert.equal(await codeFor(gateOfLocal, own), "allowed");
    assert.notEqual(await codeFor(gateOfLocal, unnamed), "allowed");
  });

  test("gives no secrets, and no key without its own algorithm", async () => {
    const { provider, gate } = await rig();
    const secret = await signer("HS256", "s");
    const rsa = await signer("RS256", "r");
    provider.keys = [secret.jwk, { ...rsa.jwk, alg: "PS256" }];
    assert.equal(await codeFor(gate, secret), "unauthorized");
    assert.equal(await codeFor(gate, rsa), "unauthorized");
  });

  test("serves tokens that do not name their key", async () => {
    const { provider, gate, keys } = await rig();
    provider.keys = keys.map(({ jwk }) => jwk);
    const { alg, key } = keys[1] as Signer;
    assert.equal(await codeFor(gate, { alg, key, jwk: {} as JWK }), "allowed");
  });
});
