/** Section 6 of the wire contract: valid and invalid paths. */
import assert from "node:assert/strict";
import type { Target } from "./target.ts";
import { section, type Wire } from "./wire.ts";

/** Raw paths below the mount that every server refuses, by their fault. */
const REFUSED = {
  "an encoded ..": "/x/%2e%2e%2fy",
  "an encoded .. and slash at the start": "/%2e%2e%2fx",
  "an encoded NUL": "/a%00b",
  "an empty segment": "/a//b",
  "nothing but slashes": "//",
  "a slash too many at the start": "//a",
  "a segment of 256 bytes": `/${"x".repeat(256)}`,
  "a segment of 256 bytes in 128 characters": `/${"%C3%BC".repeat(128)}`,
  "a folder of 256 bytes": `/${"x".repeat(256)}/a`,
  "more than 4,096 bytes": `/${"a/".repeat(2_048)}a`,
  "thousands of segments": `/${"a/".repeat(7_000)}a`,
  "the store's own folder": "/.httpfstream",
  "a file in the store's own folder": "/.httpfstream/x",
  "the store's own folder, encoded": "/%2ehttpfstream/x",
  "the store's own folder, in capitals": "/.HttpFStream/x",
  "a broken escape": "/a%zz",
  "half an escape": "/a%4",
  "an escape that is not UTF-8": "/a%ff",
  "a broken escape behind a good one": "/a%4%31",
  "an encoded backslash": "/a%5Cb",
  "an encoded backslash that leads up": "/x/..%5c..%5cy",
};

/** Raw paths that are refused if the server sees them. Some runtimes resolve them first. */
const DOTTED = {
  "a raw ..": "/../x",
  "a raw .. further down": "/a/../x",
  "a raw .": "/./x",
  "a final ..": "/a/..",
  "an encoded .. as a segment": "/%2e%2e/x",
  "a half encoded ..": "/a/.%2E/x",
  "many ..": "/../../../../../../../../etc/passwd",
};

export function pathsSection(target: Target): void {
  const refused: Record<string, (wire: Wire) => Promise<void>> = {};
  for (const [what, path] of Object.entries(REFUSED)) {
    refused[`${what} gets 400`] = (wire) => expectRefusal(wire, path);
  }
  for (const [what, path] of Object.entries(DOTTED)) {
    refused[`${what} gets 400`] = (wire) => expectNoEscape(wire, path);
  }
  section(target, "6 paths", {
    "a refusal names the path that was asked for, wherever the streams are mounted": async (wire) => {
      await wire.put("file", "a file");
      await wire.appender("taken");
      const upgrade = async (name: string, query: string) =>
        (await wire.upgrade({ target: wire.at(name, query) })).response();
      const append = (name: string, query: string) =>
        wire.send({ method: "POST", target: wire.at(name, query), body: "x" });
      const answers: [name: string, text: string][] = [
        ["none", (await wire.get("none")).text],
        ["none", (await upgrade("none", "verb=FOLLOW")).text],
        ["taken", (await upgrade("taken", "verb=APPEND")).text],
        ["taken", (await append("taken", "verb=APPEND")).text],
        ["file", (await append("file", "verb=APPEND&offset=7")).text],
        ["file", (await append("file", "verb=APPEND&generation=other")).text],
        ["file", (await wire.get("file/")).text],
        ["file/below", (await wire.get("file/below")).text],
        ["file/below", (await append("file/below", "verb=APPEND")).text],
        ["folder", (await append("folder/", "verb=APPEND")).text],
        ["a//b", (await wire.get("a//b")).text],
        ["a%2Fb", (await wire.get("a%2Fb")).text],
      ];
      for (const [name, text] of answers) {
        const quoted = text.match(/"\/[^"]*"/g) ?? [];
        assert.ok(text.includes(`"${wire.at(name)}"`), text);
        for (const path of quoted) assert.ok(path.startsWith(`"${wire.at("")}`), text);
      }
    },

    "a refusal says if a path is not UTF-8": async (wire) => {
      for (const name of ["%ff", "a%C3.txt", "%E2%82/x"]) {
        const { status, text } = await wire.get(name);
        assert.equal(status, 400);
        assert.match(text, /not valid percent-encoded UTF-8/);
        assert.ok(text.includes(`"${wire.at(name)}"`), text);
      }
    },

    "a path in a refusal can't control a terminal, end its line or reverse it": async (wire) => {
      const name = "%1B%5B31m%0A%0D%C2%9B%E2%80%AEx";
      const answers = [
        await wire.get(name),
        await wire.get(`${name}/`),
        await wire.get(name, "verb=APPEND"),
        await wire.get(name, "offset=%1B%0A%C2%9B"),
        await wire.get(name, "limit=%1B%0A%C2%9B"),
        await wire.get(name, "verb=%1B%0A%C2%9B"),
        await wire.get(`${name}/..%2Fa`),
        await wire.send({ method: "PUT", target: wire.at(name, "verb=APPEND&offset=7"), body: "x" }),
      ];
      const appender = await wire.appender(name);
      answers.push(await (await wire.upgrade({ target: wire.at(name, "verb=APPEND") })).response());
      answers.push(await wire.get(`${name}/below`), await wire.get(name, "offset=7"));
      await appender.finish();
      for (const { status, text } of answers) {
        assert.ok(status >= 400, text);
        assert.match(text, /^[^\p{Cc}\u202e]+\n$/u);
      }
    },

    ...refused,

    "an append to a folder's URL gets 400 or 409": async (wire) => {
      for (const path of ["", "new/", "a.txt/"]) {
        const refusal = await wire.send({ method: "POST", target: wire.at(path, "verb=APPEND"), body: "x" });
        assert.ok(refusal.status === 400 || refusal.status === 409, `"${path}": ${refusal.status} ${refusal.text}`);
      }
      assert.equal((await wire.get("new")).status, 404);
    },

    "a file has no slash at its end, also while it has an appender": async (wire) => {
      const appender = await wire.appender("a.txt");
      for (const query of ["", "verb=FOLLOW"]) {
        const refusal = await wire.get("a.txt/", query);
        assert.deepEqual([query, refusal.status], [query, 404], refusal.text);
      }
      assert.equal((await (await wire.upgrade({ target: wire.at("a.txt/") })).response()).status, 404);
      await appender.finish();
    },

    "names of every kind are kept as they are": async (wire) => {
      const names = [
        "a b",
        "ü",
        "漢字",
        "a?b",
        "a#b",
        "a%b",
        "a+b",
        "a&b=c",
        "a:b",
        "...",
        "..a",
        "-rf",
        "x\ny",
        "'\"",
        "~",
      ];
      for (const name of names) {
        const path = encodeURIComponent(name);
        await wire.put(path, name);
        assert.equal((await wire.get(path)).text, name);
        const appender = await wire.appender(path);
        await (await wire.follower(path)).received.atLeast(Buffer.byteLength(name));
        await appender.finish();
      }
      const listing = await wire.get("", "", { Accept: "application/json" });
      for (const name of names)
        assert.ok(listing.text.includes(JSON.stringify(name)), `${name} is missing in ${listing.text}`);
    },

    "names are decoded once": async (wire) => {
      await wire.put("%252e%252e%252fx", "a name with percent signs");
      assert.equal((await wire.get("%252e%252e%252fx")).text, "a name with percent signs");
      assert.equal((await wire.get("%25%32%65%252e%252fx")).text, "a name with percent signs");
    },

    "a name is the same, whichever of its characters are encoded": async (wire) => {
      for (const [at, [plain, encoded]] of [
        ["~!$&'()*+,;=:@-._", "%7E%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40%2D%2E%5F"],
        ["50%25%2520off", "%35%30%25%2520%6f%66%66"],
        ["%C3%BC%3F%23", "%c3%bc%3f%23"],
      ].entries()) {
        await wire.put(`${at}/${plain}`, `text ${at}`);
        assert.equal((await wire.get(`${at}/${encoded}`)).text, `text ${at}`);
      }
    },

    "a raw backslash leads nowhere": async (wire) => {
      await wire.put("a/b", "a file");
      for (const path of ["a\\b", "x\\..\\a/b", "..\\a"]) {
        const read = await wire.send({ target: wire.at(path) });
        // Bun's own server converts it to a slash before the router and its guards see it.
        if (wire.differs("dot segments")) assert.ok(read.status < 500, `${path}: ${read.status}`);
        else assert.equal(read.status, 400, `${path}: ${read.text}`);
      }
    },

    "a request with an odd Host is refused, whatever its path": async (wire) => {
      await wire.put("a.txt", "stored");
      for (const Host of ["a/private", "a?b", "a#b", "a b", "a\\b", "u@a", "[", "/", "1/aaaaa", ":80", "a, b"]) {
        const target = wire.at("b.txt", "verb=APPEND");
        for (const { status, text } of [
          await wire.get("a.txt", "", { Host }),
          await wire.send({ method: "POST", target, headers: { Host }, body: "x" }),
        ]) {
          // If the router of a mount derives another path from it, the host app responds.
          const isOther = wire.mount !== "" && status === 404;
          assert.ok(status === 400 || isOther, `Host: ${Host}: ${status} ${text}`);
        }
      }
      assert.equal((await wire.get("b.txt")).status, 404);
    },

    "composed and decomposed characters are different names": async (wire) => {
      await wire.put("%C3%A9", "composed");
      assert.equal((await wire.get("e%CC%81")).status, 404);
      await wire.put("e%CC%81", "decomposed");
      assert.equal((await wire.get("%C3%A9")).text, "composed");
    },

    "a segment of 255 bytes is allowed": async (wire) => {
      const path = `${"d".repeat(255)}/${"f".repeat(255)}`;
      await wire.put(path, "long");
      assert.equal((await wire.get(path)).text, "long");
    },

    "the reserved name is only reserved at the root": async (wire) => {
      const response = await wire.send({ method: "POST", target: wire.at(".httpfstream2", "verb=APPEND"), body: "x" });
      assert.equal(response.status, 200, response.text);
    },

    "a file in the way of a folder gets 409": async (wire) => {
      await wire.put("a", "a file");
      for (const path of ["a/b", "a/b/c"]) {
        const post = await wire.send({ method: "POST", target: wire.at(path, "verb=APPEND"), body: "x" });
        assert.equal(post.status, 409, post.text);
        const peer = await wire.upgrade({ target: wire.at(path, "verb=APPEND") });
        assert.equal((await peer.response()).status, 409);
        for (const query of ["", "verb=FOLLOW"]) assert.equal((await wire.get(path, query)).status, 409);
      }
      assert.equal((await wire.get("a")).text, "a file");
    },

    "a folder in the way of a file gets 409": async (wire) => {
      await wire.put("a/b", "a file");
      const post = await wire.send({ method: "POST", target: wire.at("a", "verb=APPEND"), body: "x" });
      assert.equal(post.status, 409, post.text);
      const peer = await wire.upgrade({ target: wire.at("a", "verb=APPEND") });
      assert.equal((await peer.response()).status, 409);
      assert.equal((await wire.get("a/b")).text, "a file");
    },

    "a refusal does not take a path": async (wire) => {
      await wire.put("a", "a file");
      for (let attempt = 0; attempt < 3; attempt++) {
        assert.equal(
          (await wire.send({ method: "POST", target: wire.at("a/b", "verb=APPEND"), body: "x" })).status,
          409,
        );
      }
      await wire.put("a", ", longer");
      assert.equal((await wire.get("a")).text, "a file, longer");
    },
  });
}

/** Expects that the path is refused for every verb and transport. */
async function expectRefusal(wire: Wire, path: string): Promise<void> {
  for (const response of await everyWay(wire, path)) {
    assert.equal(response.status, 400, `${response.status} ${response.text}`);
    assert.notEqual(response.text, "", "the refusal has no body");
  }
}

/**
 * Like {@link expectRefusal}. If the runtime resolves dots first, the request may lead to another path, but neither
 * outside of the root nor to a server error.
 */
async function expectNoEscape(wire: Wire, path: string): Promise<void> {
  if (!wire.differs("dot segments")) return await expectRefusal(wire, path);
  for (const response of await everyWay(wire, path, false)) {
    assert.doesNotMatch(response.text, /root:.*:0:0:/);
    assert.ok(response.status < 500, `${response.status} ${response.text}`);
  }
}

async function everyWay(wire: Wire, path: string, appending = true): Promise<{ status: number; text: string }[]> {
  const raw = wire.mount + path;
  const answers = [
    await wire.send({ target: raw }),
    await wire.send({ target: `${raw}?verb=FOLLOW` }),
    await (await wire.upgrade({ target: `${raw}?verb=FOLLOW` })).response(),
  ];
  if (!appending) return answers;
  answers.push(await wire.send({ method: "POST", target: `${raw}?verb=APPEND`, body: "x" }));
  answers.push(await (await wire.upgrade({ target: `${raw}?verb=APPEND` })).response());
  return answers;
}
