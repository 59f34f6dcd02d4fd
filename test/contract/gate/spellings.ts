/**
 * How paths are written, in requests and in tokens: the gate sees the path that is served, and no other.
 * @module
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACTIONS } from "../../../src/server/gate/gate.ts";
import type { HttpRequest } from "../../fixture/http.ts";
import { OFFER } from "../../fixture/v1.ts";
import { upgradeHeaders } from "../../fixture/websocket.ts";
import { forEach, SECRET, Stage } from "./stage.ts";
import { allowing, type GateTarget } from "./target.ts";

/** What becomes of a request: the gate lets it pass, the gate refuses it, or it is malformed and the gate is not asked. */
type Fate = "passes" | "refused" | "malformed";

/** Patterns of tokens and paths of requests, both below the folder of the case. It has `a.txt` and `open/b.txt`. */
const SPELLINGS: readonly (readonly [pattern: string, path: string, fate: Fate])[] = [
  ["/a.txt", "a.txt", "passes"],
  ["/a.txt", "%61.txt", "passes"],
  ["/a.txt", "a%2Etxt", "passes"],
  ["/*", "a.txt", "passes"],
  ["/*", "%61%2etxt", "passes"],
  ["/a*", "a.txt", "passes"],
  ["/*.txt", "a.txt", "passes"],
  ["/**", "a.txt", "passes"],
  ["/**", "open/b.txt", "passes"],
  ["/**/b.txt", "open/b.txt", "passes"],
  ["/**/a.txt", "a.txt", "passes"],
  ["/*/*", "open/b.txt", "passes"],
  ["/*", "open/b.txt", "refused"],
  ["/*/*", "a.txt", "refused"],
  ["/*/**/x", "open/b.txt", "refused"],
  ["", "a.txt", "refused"],
  ["/a", "a.txt", "refused"],
  ["/a.txt/**", "a.txt", "passes"],
  ["/a.txt/*", "a.txt", "refused"],
  ["/A.txt", "a.txt", "refused"],
  ["/a.txt", "A.txt", "refused"],
  ["/a.txt", "a.txt%20", "refused"],
  ["/a.txt", "a.txt.", "refused"],
  ["/a.txt", "a.txt;x", "refused"],
  ["/a.txt", "a.txt%3Fx", "refused"],
  ["/a.txt", "%2561.txt", "refused"],
  ["/%61.txt", "a.txt", "refused"],
  ["/%61.txt", "%2561.txt", "passes"],
  ["/a?txt", "a.txt", "refused"],
  ["/[a].txt", "a.txt", "refused"],
  ["/{a,b}.txt", "a.txt", "refused"],
  ["/open/**", "a.txt", "refused"],
  ["/open/**", "open%2Fb.txt", "malformed"],
  ["/open/**", "open/..%2Fa.txt", "malformed"],
  ["/open/**", "open%2F..%2Fa.txt", "malformed"],
  ["/**", "open//b.txt", "malformed"],
  ["/**", "a.txt%00", "malformed"],
  ["/**", "%zz", "malformed"],
];

/** Paths with dot segments. Where the runtime resolves them, the gate sees what is served. */
const DOTS: readonly string[] = [
  "open/../a.txt",
  "open/%2e%2e/a.txt",
  "open/./../a.txt",
  "open/.%2E/a.txt",
  "open/%2e/../a.txt",
];

const UPGRADE = upgradeHeaders(Buffer.alloc(16, 6).toString("base64"), OFFER);

/** A request for each action and transport. */
const ASKING: Readonly<Record<string, Omit<HttpRequest, "target"> & { query?: string }>> = {
  GET: {},
  "an HTTP follow": { query: "verb=FOLLOW" },
  "a v1 follow": { query: "verb=FOLLOW", headers: UPGRADE },
  "a POST append": { method: "POST", query: "verb=APPEND", body: "x" },
  "a v1 append": { query: "verb=APPEND", headers: UPGRADE },
  DELETE: { method: "DELETE" },
};

export function spellingsSection(target: GateTarget): void {
  describe("spellings of paths", () => {
    it("are decoded once, and the gate sees what is served", async () => {
      const stage = await Stage.set(target);
      const cells = SPELLINGS.flatMap(([pattern, path, fate]) =>
        Object.entries(ASKING).map(([how, request]) => ({ pattern, path, fate, how, request })),
      );
      await forEach(cells, async ({ pattern, path, fate, how, request }) => {
        const folder = await folderOf(stage);
        const token = await allowing(ACTIONS, [`/${stage.folder}/${folder}${pattern}`]);
        const { status, text } = await stage.ask(`${folder}/${path}`, request, { authorization: `Bearer ${token}` });
        assert.equal(fateOf(status), fate, `${how} of ${path} with ${pattern}: ${status} ${text}`);
      });
    });

    it("with dot segments lead nowhere that the token does not allow", async () => {
      const stage = await Stage.set(target);
      const folder = await folderOf(stage);
      const before = await stage.contents();
      const token = await allowing(ACTIONS, [`/${stage.folder}/${folder}/open/**`]);
      const fates: (Fate | number)[] = ["malformed"];
      if (target.differs?.["dot segments"]) fates.push("refused");
      const cells = DOTS.flatMap((path) => Object.entries(ASKING).map(([how, request]) => ({ path, how, request })));
      await forEach(cells, async ({ path, how, request }) => {
        const { status, text } = await stage.ask(`${folder}/${path}`, request, { authorization: `Bearer ${token}` });
        assert.ok(fates.includes(fateOf(status)), `${how} of ${path}: ${status} ${text}`);
        assert.doesNotMatch(text, new RegExp(SECRET));
      });
      assert.deepEqual(await stage.contents(), before);
    });

    it("with a slash at the end are folders, and need the action of the folder", async () => {
      const stage = await Stage.set(target);
      const folder = await folderOf(stage);
      const path = `/${stage.folder}/${folder}`;
      const expected: readonly (readonly [
        action: string,
        pattern: string,
        asked: string,
        method: string,
        status: number,
      ])[] = [
        ["read", "/a.txt", "a.txt/", "GET", 403],
        ["read", "/**", "", "GET", 403],
        ["read", "/**", "open", "GET", 403],
        ["read", "/**", "open/", "HEAD", 403],
        ["list", "/*", "open", "GET", 200],
        ["list", "/*", "open/", "GET", 200],
        ["list", "/open/**", "open/", "GET", 200],
        ["list", "/open/*", "open/", "GET", 403],
        ["list", "/open", "", "GET", 403],
        ["list", "", "", "GET", 200],
        ["list", "/**", "a.txt", "GET", 403],
        ["list", "/**", "a.txt/", "GET", 404],
        ["delete", "/*", "open/", "DELETE", 404],
        ["delete", "/open/*", "open/", "DELETE", 403],
      ];
      for (const [action, pattern, asked, method, status] of expected) {
        const authorization = `Bearer ${await allowing([action], [path + pattern])}`;
        const answer = await stage.ask(`${folder}/${asked}`, { method }, { authorization });
        assert.equal(answer.status, status, `${method} ${asked || "/"} with ${action}=${pattern}: ${answer.text}`);
      }
    });
  });
}

/** A folder of its own for a request that may change what is in it. */
async function folderOf(stage: Stage): Promise<string> {
  const folder = `folder-of-${await stage.fresh(false)}`;
  await Promise.all([stage.write(`${folder}/a.txt`), stage.write(`${folder}/open/b.txt`)]);
  return folder;
}

/** A path that does not exist is 404 once the gate has let the request pass. */
function fateOf(status: number): Fate | number {
  if (status === 400) return "malformed";
  if (status === 403) return "refused";
  return status < 300 || status === 404 ? "passes" : status;
}
