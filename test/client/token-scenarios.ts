/**
 * What the client must do with tokens, on every runtime. Each scenario gets the URL of a folder behind a gate; see
 * `gate.ts`.
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { inspect } from "node:util";
import { append, follow, openAppend, StreamError } from "../../src/client/mod.ts";
import { all, atLeast, refuses, type Scenarios } from "./scenarios.ts";

let paths = 0;

function fresh(folder: string): string {
  return `${folder}/${process.pid}/${paths++}.txt`;
}

async function currentToken(folder: string): Promise<string> {
  return await (await fetch(`${folder}/.gate/token`)).text();
}

async function expire(folder: string): Promise<void> {
  await fetch(`${folder}/.gate/expire`, { method: "POST" });
}

/** Asserts that neither an error nor a state that it got shows a token. */
function assertHidden(...shown: unknown[]): void {
  for (const text of shown.map((value) => inspect(value, { depth: 9, showHidden: true }))) {
    assert.doesNotMatch(text, /s3cret|token-\d/);
  }
}

export const TOKEN_SCENARIOS: Scenarios = {
  async "sends a static token, over every transport"(folder) {
    const token = await currentToken(folder);
    const url = fresh(folder);
    assert.deepEqual(await append(url, "one", { token }), { bytes: 3, offset: 3 });
    assert.deepEqual(await append(url, "two", { token, transport: "http" }), { bytes: 3, offset: 6 });
    for (const transport of ["websocket", "http"] as const) {
      assert.equal(String(await all(follow(url, { token, transport }))), "onetwo");
    }
    const writer = (await openAppend(url, { token })).getWriter();
    await writer.write("three");
    const reader = follow(url, { token: async () => token }).getReader();
    assert.equal(String(await atLeast(reader, 11)), "onetwothree");
    await writer.close();
    assert.equal((await reader.read()).done, true);
  },

  async "fails with a wrong static token, which no error shows"(folder) {
    const url = fresh(folder);
    const token = "s3cret";
    for (const transport of ["websocket", "http"] as const) {
      await refuses("unauthorized", () => append(url, "x", { token, transport }));
      await refuses("unauthorized", () => all(follow(url, { token, transport })));
      assertHidden(
        await append(url, "x", { token, transport }).catch((error: unknown) => error),
        await all(follow(url, { token, transport })).catch((error: unknown) => error),
      );
    }
    await refuses("bad_request", () => append(url, "x", { token: "two words" }));
    await refuses("bad_request", () => append(url, "x", { token: "" }));
    await refuses("bad_request", () => append(url, "x", { token, headers: { authorization: "Basic eDp5" } }));
    await refuses("bad_request", () => append(url.replace("//", "//me:pass@"), "x", { token }));
    await refuses("bad_request", async () => follow(`${url}?access_token=s3cret`, { token }));
  },

  async "hides a token in the URL from errors and states"(folder) {
    const shown: unknown[] = [];
    const options = { onState: (state: unknown) => void shown.push(state), retryForMs: 300, retryFirst: true };
    for (const base of [fresh(folder), "http://127.0.0.1:9/a", `${folder}//x`, "http://h:x/"]) {
      const url = `${base}?access_token=s3cret`;
      for (const transport of ["websocket", "http"] as const) {
        shown.push(await append(url, "x", { ...options, transport }).catch((error: unknown) => error));
        shown.push(
          await Promise.resolve()
            .then(() => all(follow(url, { ...options, transport })))
            .catch((error: unknown) => error),
        );
      }
    }
    assert.equal(shown.filter((value) => value instanceof StreamError).length, 16);
    assertHidden(...shown);
    const url = fresh(folder);
    const token = await currentToken(folder);
    assert.equal((await append(`${url}?access_token=${token}`, "x")).offset, 1);
    assert.equal(String(await all(follow(`${url}?access_token=${token}`))), "x");
  },

  async "asks a function again, once, after a refusal"(folder) {
    const url = fresh(folder);
    for (const transport of ["websocket", "http"] as const) {
      const tokens = ["stale", await currentToken(folder)];
      const token = async (): Promise<string> => tokens.shift() ?? "";
      if (transport === "websocket") await append(url, "hello", { token });
      else assert.equal(String(await all(follow(url, { token, transport }))), "hello");
      assert.equal(tokens.length, 0);
      let calls = 0;
      const stale = (): string => `stale-${calls++}`;
      await refuses("unauthorized", () => all(follow(url, { token: stale, transport })));
      assert.equal(calls, 2);
    }
    let calls = 0;
    await refuses("unauthorized", () => append(url, "x", { token: () => `stale-${calls++}` }));
    assert.equal(calls, 2);
  },

  async "gets a new token when one expires, and every byte arrives once"(folder) {
    const url = fresh(folder);
    let calls = 0;
    let stale = "stale";
    const token = async (): Promise<string> => {
      calls++;
      // The first token after an expiry is a stale one, as from a cache.
      const current = await currentToken(folder);
      const given = calls > 1 && stale !== current ? stale : current;
      stale = current;
      return given;
    };
    const states: string[] = [];
    const appender = await openAppend(url, { token, onState: ({ state }) => states.push(state) });
    const writer = appender.getWriter();
    await writer.write("0|");
    const readers = (["websocket", "http"] as const).map((transport) =>
      follow(url, { token: () => currentToken(folder), transport }).getReader(),
    );
    for (const reader of readers) await atLeast(reader, 2);
    let text = "0|";
    for (let round = 1; round <= 4; round++) {
      await expire(folder);
      const part = `${round}`.repeat(50_000);
      await writer.write(part);
      for (const reader of readers) assert.equal(String(await atLeast(reader, part.length)), part);
      text += part;
    }
    await writer.close();
    for (const reader of readers) assert.equal((await reader.read()).done, true);
    assert.equal(String(await all(follow(url, { token }))), text);
    assert.equal(states.filter((state) => state === "retrying").length, 4);
    assert.equal(states.at(-1), "ended");
  },

  async "fails when a static token expires"(folder) {
    const url = fresh(folder);
    const token = await currentToken(folder);
    const writer = (await openAppend(url, { token })).getWriter();
    await writer.write("x");
    const readers = (["websocket", "http"] as const).map((transport) => follow(url, { token, transport }).getReader());
    for (const reader of readers) await atLeast(reader, 1);
    await expire(folder);
    await refuses("unauthorized", () => writer.closed);
    for (const reader of readers) await refuses("unauthorized", () => reader.read());
  },

  async "fails with the error of a function, and tries it again once the append has begun"(folder) {
    const url = fresh(folder);
    const failing = (): string => {
      throw new Error("the vault is locked");
    };
    for (const transport of ["websocket", "http"] as const) {
      const failed = await append(url, "x", { token: failing, transport }).catch((error: unknown) => error);
      assert.ok(failed instanceof StreamError);
      assert.deepEqual(
        [failed.code, failed.message],
        ["unauthorized", "No token could be obtained: the vault is locked"],
      );
      await refuses("unauthorized", () => all(follow(url, { token: failing, transport })));
    }
    await refuses("unauthorized", () => append(url, "x", { token: () => "two words" }));
    let calls = 0;
    const unsteady = (): Promise<string> | string => (++calls === 2 ? failing() : currentToken(folder));
    const writer = (await openAppend(url, { token: unsteady })).getWriter();
    await writer.write("one, ");
    await expire(folder);
    await writer.write("two");
    await writer.close();
    assert.equal(calls, 3);
    assert.equal(String(await all(follow(url, { token: () => currentToken(folder) }))), "one, two");
    const stuck = new AbortController();
    const waiting = append(url, "x", { token: () => new Promise<never>(() => {}), signal: stuck.signal });
    stuck.abort();
    await refuses("aborted", () => waiting);
  },
};
