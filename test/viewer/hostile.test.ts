/** Hostile names and lines in the viewer page: nothing runs, nothing leads elsewhere, no policy is broken. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NO_CHROMIUM } from "../fixture/browser.ts";
import { Viewer } from "./page.ts";
import { ChromiumSetup } from "./setup.ts";

const ESC = "\x1b";
const link = (target: string, text: string): string => `${ESC}]8;;${target}${ESC}\\${text}${ESC}]8;;${ESC}\\`;

/** Lines, and what is shown of each. */
const LINES: readonly (readonly [string, string])[] = [
  ["<script>window.hacked = 1</script>", "<script>window.hacked = 1</script>"],
  ["<img src=x onerror='window.hacked = 1'>", "<img src=x onerror='window.hacked = 1'>"],
  ["</div><style>*{display:none}</style>", "</div><style>*{display:none}</style>"],
  [link("javascript:window.hacked=1", "script"), "script"],
  [link("data:text/html,<script>1</script>", "data"), "data"],
  [link("  javascript:1", "spaces"), "spaces"],
  [link("https://example.com/\"onclick='window.hacked=1'", "good"), "good"],
  [link("vbscript:x", "vb"), "vb"],
  [`${ESC}]0;title${"\x07"}after a title`, "after a title"],
  [`${ESC}[38;2;999;-1;99999999mcolour${ESC}[m`, "colour"],
  [`${ESC}[38;5mcut ${ESC}[48`, "cut "],
  [`${ESC}[99999999Cfar`, `${" ".repeat(8192)}far`],
  [`${ESC}Pq${"x".repeat(50)}${ESC}\\device`, "device"],
  ["access\u202e level \u2066// admin\u2069", "access\u202e level \u2066// admin\u2069"],
  ["__proto__ constructor {{7*7}}", "__proto__ constructor {{7*7}}"],
];

const NAMES = ["<img src=x onerror=alert(1)>.log", "a'\"&.log", "\u202egol.txt", "javascript:alert(1)", "#L5?x=1.log"];

describe("hostile content in the viewer page", { skip: NO_CHROMIUM }, () => {
  const setup = new ChromiumSetup();

  it("shows lines as text, and links only to http and https", async () => {
    writeFileSync(join(setup.root, "lines.log"), LINES.map(([line]) => `${line}\n`).join(""));
    const viewer = await setup.open("/lines.log");
    const { page } = viewer;
    const rows = await viewer.until("all lines", (shown) => shown.length === LINES.length);
    assert.deepEqual(
      rows.map(({ text }) => text),
      LINES.map(([, shown]) => shown),
    );
    const targets = await page.$$eval("[role=log] a", (all) =>
      all.map((one) => [one.getAttribute("href"), one.getAttribute("rel")]),
    );
    assert.deepEqual(targets, [["https://example.com/%22onclick='window.hacked=1'", "noopener noreferrer nofollow"]]);
    assert.equal(await page.$$eval("[role=log] :is(script, img, style)", (all) => all.length), 0);
    assert.equal(await page.evaluate(() => "hacked" in window), false);
    // The signs of invisible characters are no text, and end what they begin.
    const signs = await page.$$eval("[role=log] .sign", (all) => all.map((one) => (one as HTMLElement).dataset.sign));
    assert.deepEqual(signs, ["U+202E", "U+2066", "U+2069"]);
    assert.deepEqual(viewer.problems, []);
    await viewer.close();
  });

  it("shows names as text", async () => {
    for (const name of NAMES) {
      const folder = join(setup.root, `in ${name}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name), "content\n");
      const url = setup.url(`/${encodeURIComponent(`in ${name}`)}/${encodeURIComponent(name)}`);
      const viewer = await Viewer.open(setup.browser, url);
      await viewer.untilLast("content");
      assert.equal(await viewer.page.textContent("h1"), name);
      assert.equal(await viewer.page.evaluate(() => document.querySelectorAll("header img").length), 0);
      assert.ok((await viewer.page.title()).endsWith(name.replace("\u202e", "\ufffd")));
      const up = viewer.page.getByRole("navigation").getByRole("link").nth(1);
      assert.equal(
        await up.evaluate((one) => (one as HTMLAnchorElement).pathname),
        `/${encodeURIComponent(`in ${name}`)}/`,
      );
      assert.deepEqual(viewer.problems, []);
      await viewer.close();
    }
  });

  it("shows signs for what changes the order of text, in every view and in names", async () => {
    const text = "a\u202eb\u2066c";
    const folder = `in ${text}`;
    mkdirSync(join(setup.root, folder));
    const markdown = [
      ...[
        `# ${text}`,
        text,
        `\`${text}\``,
        `**${text}**`,
        `![${text}](x)`,
        `[${text}](https://example.com)`,
        `<b ${text}>`,
      ],
      ...[`- ${text}`, `    ${text}`, `> ${text}`, `\\*${text}`, `| ${text} |\n|---|\n| ${text} |`],
    ];
    const files = {
      "a.md": markdown.join("\n\n"),
      "deep.md": ">".repeat(30_000) + text,
      "a.ndjson": `${JSON.stringify({ [text]: text })}\n`,
      "a.log": `${text}\n`,
      [`${text}.log`]: `${text}\n`,
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(setup.root, folder, name), content);
    for (const javaScriptEnabled of [true, false]) {
      for (const name of ["", ...Object.keys(files)]) {
        if (!javaScriptEnabled && name !== "") continue;
        const viewer = await setup.open(`/${encodeURIComponent(folder)}/${encodeURIComponent(name)}`, {
          javaScriptEnabled,
        });
        const { page } = viewer;
        await page.locator("#rows .sign, #document .sign, #entries .sign").first().waitFor({ state: "attached" });
        const { bare, signs } = await page.evaluate(() => {
          const nodes = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
          const found: string[] = [];
          for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
            const isSigned = node.parentElement?.matches(".sign") === true;
            if (!isSigned && /[\u202a-\u202e\u2066-\u2069]/.test(node.nodeValue ?? ""))
              found.push(node.nodeValue ?? "");
          }
          return { bare: found, signs: document.querySelectorAll(".sign").length };
        });
        assert.deepEqual(bare, [], name);
        assert.ok(signs >= 2, name);
        await viewer.close();
      }
    }
  });

  it("lets no script of another origin and no text become code", async () => {
    const viewer = await setup.open("/lines.log");
    await viewer.until("lines", (rows) => rows.length > 0);
    const refused = await viewer.page.evaluate(() => {
      const tries: Record<string, () => unknown> = {
        html: () => {
          document.body.innerHTML = "<b>x</b>";
        },
        worker: () => new Worker("data:text/javascript,1"),
        policy: () =>
          (
            globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): unknown } }
          ).trustedTypes?.createPolicy("other", {}),
      };
      return Object.entries(tries).map(([name, run]) => {
        try {
          run();
          return `${name} was allowed`;
        } catch {
          return name;
        }
      });
    });
    assert.deepEqual(refused, ["html", "worker", "policy"]);
    await viewer.close();
  });
});
