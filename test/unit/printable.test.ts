/** Text for a line of a log or of a terminal: nothing of it is a secret. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fstream, type LogEvent, memoryStore } from "../../src/index.ts";
import { printable, printableJson, withoutTokens } from "../../src/support/printable.ts";

test("the value of an access token is left out, however its URL is encoded", () => {
  const hidden: Readonly<Record<string, string>> = {
    "http://h/a?access_token=s3cret": "http://h/a?access_token=…",
    "/a?x=1&access_token=s3cret&y=2": "/a?x=1&access_token=…&y=2",
    "/a?access%5Ftoken=s3cret#f": "/a?access%5Ftoken=…#f",
    "/a%3Faccess_token=s3cret": "/a%3Faccess_token=…",
    "/a%3fx=1%26access_token%3Ds3cret": "/a%3fx=1%26access_token%3D…",
    "/a%253Faccess%255Ftoken%253Ds3cret": "/a%253Faccess%255Ftoken%253D…",
    '"/a?access_token=s3cret" is no path': '"/a?access_token=…" is no path',
  };
  for (const [text, shown] of Object.entries(hidden)) {
    assert.equal(withoutTokens(text), shown);
    assert.equal(printable(text), shown);
  }
  for (const text of ["/access_token=a", "/a?access_token=", "/a?my_access_token=b", "?access=1"]) {
    assert.equal(withoutTokens(text), text);
  }
});

test("JSON stays what it is when a token in it is left out", () => {
  const message = '"/a?access_token=s3cret" does not exist.';
  const json = printableJson(JSON.stringify({ message, target: "/a%3Faccess_token=s3cret" }));
  const shown = { message: '"/a?access_token=…" does not exist.', target: "/a%3Faccess_token=…" };
  assert.deepEqual(JSON.parse(json), shown);
});

test("no event has the token of a link that was encoded once too often", async (t) => {
  const events: LogEvent[] = [];
  const app = fstream({ store: memoryStore(), log: (event) => events.push(event) });
  t.after(() => app.close());
  assert.equal((await app.request("/a%3Faccess_token=s3cret")).status, 404);
  assert.ok(events.some(({ type }) => type === "refusal"));
  for (const event of events) assert.doesNotMatch(JSON.stringify({ ...event, path: "" }), /s3cret/);
});
