/** How the client follows a Durable Streams server that answers oddly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { follow } from "../../src/client/mod.ts";

/** What a server answers: the bytes, the offset that it names as the next one, and whether the stream is closed. */
type Answer = readonly [body: string, next: string, closed?: boolean];

/** Follows a server with these answers by the query of the request. Returns the text and the queries. */
async function read(answers: Readonly<Record<string, readonly Answer[]>>): Promise<{ text: string; asked: string[] }> {
  const left = new Map(Object.entries(answers).map(([query, list]) => [query, [...list]]));
  const asked: string[] = [];
  const fetch = async (input: string | URL | Request): Promise<Response> => {
    const { searchParams } = new URL(input instanceof Request ? input.url : input);
    const query = [searchParams.get("offset"), searchParams.get("live")].filter(Boolean).join(" ");
    asked.push(query);
    const answer = left.get(query)?.shift();
    assert.ok(answer, `no answer is left for "${query}", after ${asked.join(", ")}`);
    const [body, next, closed = false] = answer;
    return new Response(body, {
      headers: {
        "Content-Type": "application/octet-stream",
        "Stream-Next-Offset": next,
        "Stream-Up-To-Date": "true",
        ...(closed && { "Stream-Closed": "true" }),
      },
    });
  };
  const stream = follow("http://localhost/a", { protocol: "durable-streams", fetch, retryForMs: 0 });
  return { text: await new Response(stream).text(), asked };
}

test("a server that goes back, because it has shown an append that is not finished, shows no byte twice", async () => {
  const { text, asked } = await read({
    "-1": [["one ", "5"]],
    "5 long-poll": [["two ", "9"]],
    "9 long-poll": [
      ["", "5"],
      ["three", "95", true],
    ],
    "95": [["", "95", true]],
  });
  assert.equal(text, "one two three");
  assert.deepEqual(asked, ["-1", "5 long-poll", "9 long-poll", "9 long-poll", "95"]);
});

test("the end that a server names for -1 and now is taken", async () => {
  const { text } = await read({
    "-1": [["", "0"]],
    "0 long-poll": [["one", "3", true]],
    "3": [["", "3", true]],
  });
  assert.equal(text, "one");
});
