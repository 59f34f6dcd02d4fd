/** Responses that cannot have a body: what their headers say is about no body either. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone } from "../fixture/servers.ts";

for (const runtime of RUNTIMES) {
  const server = await startStandalone(runtime, { args: ["--deletes", "all"] });
  describe(`responses without a body, on ${runtime}`, { timeout: 60_000 }, () => {
    after(() => expectCleanStop(server));

    it("204 has no Content-Type, 304 has that of the content, and both have an id", async () => {
      const type = { "Content-Type": "text/csv" };
      const target = "/a.txt";
      const send = (method: string, headers: Record<string, string>, body?: string) =>
        request(server.url, { method, target, headers, ...(body !== undefined && { body }) });
      assert.equal((await send("PUT", type)).status, 201);
      const appended = await send("POST", type, "hello");
      const { headers } = await send("GET", {});
      const unmodified = await send("GET", { "If-None-Match": headers.get("etag") ?? "" });
      const options = await send("OPTIONS", {});
      const removed = await send("DELETE", {});
      const all = [appended, unmodified, options, removed];
      assert.deepEqual(
        all.map((response) => [response.status, response.headers.get("content-type"), response.text]),
        [
          [204, null, ""],
          [304, "text/csv", ""],
          [204, null, ""],
          [204, null, ""],
        ],
      );
      for (const response of all) assert.ok(response.headers.get("x-request-id"));
    });
  });
}
