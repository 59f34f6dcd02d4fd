/** What refusals of streams say, and what the client says of a path that is none. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { append, follow } from "../../src/client/mod.ts";
import { expectStatus, rig, send } from "./app.ts";
import { JSON_TYPE, TEXT } from "./streams.ts";

const protocol = "durable-streams";

describe("the words of a refusal", () => {
  it("a PUT of a stream of another type says how to append", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "a", TEXT);
    const refused = await send(streams, "PUT", "a", JSON_TYPE);
    assert.equal(refused.status, 409);
    assert.match(
      await refused.text(),
      /^"\/a" exists with the type text\/plain, .* To append, send a POST with the type of the stream, /,
    );
  });

  it("the client names the path of a folder, which has no offset", async () => {
    const streams = rig();
    await expectStatus(201, streams, "PUT", "folder/a", TEXT);
    const fetch = async (request: Request) => streams.app.request(request);
    const url = "http://localhost/folder";
    const words = {
      code: "protocol",
      message: /^The server does not support Durable Streams at "\/folder": .* folder\.$/,
    };
    await assert.rejects(append(url, "text", { protocol, fetch }), words);
    await assert.rejects(new Response(follow(url, { protocol, fetch })).text(), words);
  });
});
