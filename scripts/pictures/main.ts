/**
 * `npm run pictures`: takes the pictures of the viewer in the documentation, of a build that grows while they are taken.
 * With a folder as its argument, also writes each view's picture there, to look at.
 * @module
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Browser, chromium } from "playwright-core";
import sharp from "sharp";
import { append, openAppend } from "../../src/client/mod.ts";
import { fstream } from "../../src/fstream.ts";
import { serve } from "../../src/runtime/node/mod.ts";
import { findBrowser } from "../../test/fixture/browser.ts";
import { ROOT } from "../lib/install.mjs";
import { ANSWER, BINARY, BUILD, EVENTS, RESULT } from "./content.ts";
import { SCENES, type Scene } from "./scenes.ts";
import { sheetOf, small } from "./sheet.ts";

const SCREENS = {
  desktop: { width: 880, height: 480, columns: 2 },
  phone: { width: 360, height: 640, columns: 4 },
} as const;

/** Pictures of their own: of the build, and of the folder. */
const LARGE = { width: 960, height: 540 };

const [separately] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "pictures-"));
mkdirSync(join(folder, "build"));
const app = fstream({ root: folder, limits: { graceMs: 1 } });
const server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
const url = `http://127.0.0.1:${server.port}`;
const browser = await chromium.launch({ executablePath: findBrowser() as string, args: ["--no-sandbox"] });
try {
  const writer = await fill();
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [name, path] of [
      ["viewer", "build/42.log"],
      ["viewer-folder", "build/"],
    ] as const) {
      const scene = SCENES.find((one) => one.path === path);
      if (scene) save(`${name}-${colorScheme}`, await small(await take(browser, scene, { ...LARGE, colorScheme }, 2)));
    }
    for (const [name, { width, height, columns }] of Object.entries(SCREENS)) {
      const pictures = [];
      for (const scene of SCENES) {
        const png = await take(browser, scene, { width, height, colorScheme }, 1);
        if (separately !== undefined) {
          mkdirSync(separately, { recursive: true });
          writeFileSync(join(separately, `${scene.title.replace(/\W+/g, "-")}-${name}-${colorScheme}.png`), png);
        }
        pictures.push({ title: scene.title, png });
      }
      const sheet = await sheetOf(browser, pictures, { columns, width, dark: colorScheme === "dark" });
      save(`viewer-${name}-${colorScheme}`, sheet);
    }
  }
  await writer.close();
} finally {
  await browser.close();
  await app.close();
  await server.close(0);
  rmSync(folder, { recursive: true });
}

/** Writes what the pictures show. Returns the writer of the build that is under way. */
async function fill(): Promise<WritableStreamDefaultWriter<string | Uint8Array<ArrayBuffer>>> {
  for (const number of [38, 39, 41])
    await append(`${url}/build/${number}.log`, `build ${number}\n`.repeat(number * 997));
  const lost = (await openAppend(`${url}/build/40.log`)).getWriter();
  await lost.write(`${BUILD}\n`);
  await lost.abort(new Error("Its program has ended."));
  const ended = async (): Promise<string | null> => {
    return (await fetch(`${url}/build/40.log`, { method: "HEAD" })).headers.get("Stream-Ended");
  };
  while ((await ended()) !== "lost") await new Promise((resolve) => setTimeout(resolve, 20));
  // Each build began an hour before the next one.
  for (const [number, hours] of [
    [41, 1],
    [40, 2],
    [39, 3],
    [38, 4],
  ] as const) {
    const time = Date.now() / 1000 - hours * 3600;
    utimesSync(join(folder, "build", `${number}.log`), time, time);
  }
  const chart = await sharp(readFileSync(join(ROOT, "docs", "bench.svg")))
    .resize(1200)
    .png()
    .toBuffer();
  mkdirSync(join(folder, "service"));
  writeFileSync(join(folder, "service", "chart.png"), chart);
  writeFileSync(join(folder, "service", "result.json"), RESULT);
  await append(`${url}/service/server.bin`, BINARY);
  await append(`${url}/service/events.ndjson`, EVENTS);
  await append(`${url}/service/answer.md`, ANSWER);
  const writer = (await openAppend(`${url}/build/42.log`)).getWriter();
  await writer.write(BUILD);
  return writer;
}

/** What a screen shows of a view. */
async function take(
  browser: Browser,
  { path, ready }: Scene,
  { width, height, colorScheme }: { width: number; height: number; colorScheme: "light" | "dark" },
  deviceScaleFactor: number,
): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme, deviceScaleFactor });
  await page.goto(`${url}/${path}`);
  await ready(page);
  // The sign of a live state fades in and out.
  const png = await page.screenshot({ animations: "disabled" });
  await page.close();
  return png;
}

function save(name: string, png: Buffer): void {
  writeFileSync(join(ROOT, "docs", `${name}.png`), png);
  console.log(`docs/${name}.png: ${png.length} bytes`);
}
