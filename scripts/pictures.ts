/**
 * `npm run pictures`: takes the screenshots of the viewer for the documentation, during a build.
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { append, openAppend } from "../src/client/mod.ts";
import { fstream } from "../src/fstream.ts";
import { serve } from "../src/runtime/node/mod.ts";
import { ROOT } from "./lib/install.mjs";

const ESC = "\x1b";
const colour = (code: number | string, text: string): string => `${ESC}[${code}m${text}${ESC}[0m`;

/** The output of the build. */
const BUILD = [
  `${colour(1, "$ make release")}`,
  ...["parser.c", "lexer.c", "scope.c", "emit.c", "link.c", "main.c", "utf8.c", "queue.c", "store.c", "net.c"].map(
    (file, at) =>
      `${colour(36, `[${String(at + 3).padStart(2, " ")}/34]`)} cc -O2 -Wall -c src/${file} -o build/${file.replace(".c", ".o")}`,
  ),
  `${colour("1;33", "warning:")} src/scope.c:118:9: unused variable ${colour(1, "depth")}`,
  `    118 |     int depth = scope_depth(top);`,
  `        |         ${colour("1;33", "^~~~~")}`,
  `${colour(36, "[31/34]")} ld -o build/server build/*.o`,
  ...["starts in an empty folder", "appends and follows", "survives a restart", "answers ranges"].map(
    (name) => `${colour(32, "✓")} ${name}`,
  ),
  `${colour("1;31", "✗ keeps the order of 1,000 appends")}  expected 1000, got 999`,
  ...["removes what has expired", "reads 1 GB", "shares one look at a folder", "wakes its subscribers"].map(
    (name) => `${colour(32, "✓")} ${name}`,
  ),
  `uploading ${ESC}]8;;https://example.com/artifacts/42${ESC}\\build 42${ESC}]8;;${ESC}\\   12%\ruploading ${ESC}]8;;https://example.com/artifacts/42${ESC}\\build 42${ESC}]8;;${ESC}\\   87% ${colour(90, "of 48.2 MB")}`,
].join("\n");

const PICTURES = [
  { name: "viewer-light", width: 960, height: 540, colorScheme: "light" },
  { name: "viewer-dark", width: 960, height: 540, colorScheme: "dark" },
  { name: "viewer-phone", width: 360, height: 640, colorScheme: "dark" },
] as const;

const folder = mkdtempSync(join(tmpdir(), "pictures-"));
mkdirSync(join(folder, "build"));
const app = fstream({ root: folder });
const server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
const url = `http://127.0.0.1:${server.port}`;
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  for (const number of [39, 40, 41])
    await append(`${url}/build/${number}.log`, `build ${number}\n`.repeat(number * 997));
  const writer = (await openAppend(`${url}/build/42.log`)).getWriter();
  await writer.write(BUILD);
  for (const { name, width, height, colorScheme } of PICTURES) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme, deviceScaleFactor: 2 });
    await page.goto(`${url}/build/42.log`);
    await page.getByRole("status").filter({ hasText: "Live" }).waitFor();
    await page.screenshot({ path: join(ROOT, "docs", `${name}.png`) });
    if (name !== "viewer-phone") {
      await page.goto(`${url}/build/`);
      await page.getByRole("status").filter({ hasText: "entries" }).waitFor();
      await page.screenshot({ path: join(ROOT, "docs", `${name.replace("viewer", "viewer-folder")}.png`) });
    }
    await page.close();
  }
  await writer.close();
} finally {
  await browser.close();
  await app.close();
  await server.close(0);
  rmSync(folder, { recursive: true });
}
