/** Every row of the viewer page is the line of the file at its offset: random files, random moves. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { prng } from "../fixture/bytes.ts";
import { IS_SHORT, LEFT_OUT } from "../fixture/short.ts";
import { BROWSERS, type TestBrowser } from "./browsers.ts";
import type { LogPage, ShownRow } from "./page.ts";
import { BrowserSetup } from "./setup.ts";

/** Bytes of a line that the page shows at first. */
const CLIP = 4096;

/** Bytes that the page reads at once. */
const BLOCK = 64 * 1024;

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

for (const kind of BROWSERS) {
  describe(`the rows of the viewer page, in ${kind.name}`, { skip: kind.skip }, () => cases(kind.start));
}

function cases(start: () => Promise<TestBrowser>): void {
  const setup = new BrowserSetup(start);

  const open = async (name: string, content: Buffer, hash = ""): Promise<LogPage> => {
    const file = join(setup.root, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    const viewer = await setup.open(`/${name}${hash}`);
    await viewer.until("rows", (rows) => rows.length > 0);
    return viewer;
  };

  for (const seed of [1, 2, 3]) {
    const skip = IS_SHORT && seed > 1 && LEFT_OUT;
    it(`are the lines at their offsets, wherever the reader goes (seed ${seed})`, { skip }, async () => {
      const random = prng(seed);
      const content = randomContent(random, 300_000 + Math.floor(random() * 500_000));
      const viewer = await open(`random-${seed}.log`, content);
      await check(viewer, content);
      for (let move = 0; move < 25; move++) {
        const arrived = await moveSomewhere(viewer, random, content);
        await check(viewer, content);
        arrived(await viewer.visible());
      }
      assert.deepEqual(viewer.problems, []);
      await viewer.close();
    });
  }

  it("are those of one line of 20 MB, and of what stands around it", async () => {
    const content = Buffer.concat([
      Buffer.from("first\n"),
      Buffer.alloc(20_000_000, "long "),
      Buffer.from("\nlast without a newline"),
    ]);
    const viewer = await open("long.log", content);
    await viewer.untilLast("last without a newline");
    await check(viewer, content);
    await viewer.tab.press("Home");
    await viewer.until("the first line", (rows) => rows[0]?.text === "first");
    await check(viewer, content);
    await viewer.goToHash("@12000000");
    await viewer.until("the long line", (rows) => rows.some(({ offset }) => offset === 6));
    await check(viewer, content);
    await viewer.close();
  });

  it("are those of a million empty lines", async () => {
    const content = Buffer.alloc(1_000_000, "\n");
    const viewer = await open("empty-lines.log", content);
    await viewer.until("numbers", (rows) => rows[rows.length - 1]?.number === 1_000_000);
    await check(viewer, content);
    await viewer.goToHash("L500000");
    const rows = await viewer.until("the middle", (shown) => shown.some(({ number }) => number === 500_000));
    for (const { offset, number } of rows) assert.equal(offset, (number ?? 0) - 1);
    await viewer.close();
  });

  it("show what is no text: NUL, returns, bytes that are not UTF-8, no newline at the end", async () => {
    const content = Buffer.concat([
      Buffer.from("crlf\r\n"),
      Buffer.from([110, 0, 117, 10]),
      Buffer.from([0xff, 0xfe, 0xc3, 10]),
      Buffer.from("10%\r50%\r100%\n"),
      Buffer.from("süß €"),
    ]);
    const viewer = await open("odd.log", content);
    const rows = await viewer.untilLast("süß €");
    assert.deepEqual(
      rows.map(({ text }) => text),
      ["crlf", "n\0u", "\ufffd\ufffd\ufffd", "100%", "süß €"],
    );
    assert.deepEqual(
      rows.map(({ number }) => number),
      [1, 2, 3, 4, 5],
    );
    await viewer.close();
  });

  it("show the last state of a line with 5 MB of returns", async () => {
    const states = Array.from({ length: 200_000 }, (_, at) => `step ${String(at).padStart(8, "0")} of it all\r`).join(
      "",
    );
    const viewer = await open("progress.log", Buffer.from(`begin\n${states}\nend\n`));
    const rows = await viewer.untilLast("end");
    assert.deepEqual(
      rows.map(({ text }) => text),
      ["begin", "step 00199999 of it all", "end"],
    );
    await viewer.close();
  });
}

/** Looks at the rows in view after a move. */
type Arrived = (visible: readonly ShownRow[]) => void;

/** Does what readers do to go elsewhere. Returns what then must hold. */
async function moveSomewhere({ tab }: LogPage, random: () => number, content: Buffer): Promise<Arrived> {
  const choice = random();
  if (choice < 0.3) {
    const key = ["PageUp", "PageDown", "Home", "End", "w"][Math.floor(random() * 5)] ?? "w";
    await tab.press(key);
    if (key === "Home") return ([first]) => assert.equal(first?.offset, 0);
    if (key === "End")
      return (rows) => assert.equal(rows[rows.length - 1]?.offset, startOfLine(content, content.length - 1));
  } else if (choice < 0.5) await tab.wheel(Math.floor((random() - 0.5) * 4_000));
  else if (choice < 0.7) await tab.evaluate(scrollToPart, random());
  else {
    const offset = Math.floor(random() * content.length);
    await tab.evaluate(goToByte, offset);
    return (rows) =>
      assert.ok(
        rows.some((row) => row.offset === startOfLine(content, offset)),
        `byte ${offset} is in view`,
      );
  }
  return () => {};
}

/** Where the line with a byte begins. */
function startOfLine(content: Buffer, offset: number): number {
  return offset === 0 ? 0 : content.lastIndexOf(10, offset - 1) + 1;
}

/** Compares all rows of the document with the file. */
async function check(viewer: LogPage, content: Buffer): Promise<void> {
  await viewer.settle();
  const rows = await viewer.rows();
  assert.ok(rows.length > 0 && rows.length <= 500, `${rows.length} rows`);
  assert.ok((await viewer.visible()).length > 0);
  let expected = rows[0]?.offset ?? 0;
  let number = 1;
  for (let at = content.indexOf(10); at !== -1 && at < expected; at = content.indexOf(10, at + 1)) number++;
  for (const row of rows) {
    assert.equal(row.offset, expected, "the lines follow each other");
    assert.ok(row.offset === 0 || content[row.offset - 1] === 10, `a line begins at ${row.offset}`);
    const found = content.indexOf(10, row.offset);
    const end = found === -1 ? content.length : found;
    assertLine(row, content.subarray(row.offset, end));
    assert.ok(row.number === undefined || row.number === number, `the line at ${row.offset} is line ${number}`);
    expected = end + 1;
    number++;
  }
}

function assertLine({ offset, text }: ShownRow, line: Buffer): void {
  if (line.length <= CLIP) assert.equal(text, DECODER.decode(line).replace(/\r+$/, ""), `the line at ${offset}`);
  else {
    const whole = DECODER.decode(line.subarray(0, CLIP + 4));
    assert.ok(text.length > CLIP / 4 && whole.startsWith(text), `the beginning of the line at ${offset}`);
  }
}

/** Lines of all lengths, with characters of all lengths, some of them cut, and what is difficult at the edges of blocks. */
function randomContent(random: () => number, size: number): Buffer {
  const pieces: Buffer[] = [];
  const words = ["word", " ", "ü", "€", "\u{1f600}", "日本", "\t", "===", "\0", "\u202e"];
  for (let length = 0; length < size; ) {
    const long = random() < 0.01 ? 3_000 : random() < 0.1 ? 100 : 12;
    const count = Math.floor(random() * long);
    const line = Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join("");
    const broken = random() < 0.02 ? Buffer.from([0xe2, 0x82]) : random() < 0.02 ? Buffer.from([0xff, 0x80]) : "";
    const end = random() < 0.2 ? "\r\n" : "\n";
    const piece = Buffer.concat([Buffer.from(line), Buffer.from(broken), Buffer.from(end)]);
    pieces.push(piece);
    length += piece.length;
  }
  const whole = Buffer.concat(pieces);
  const onEdge = ["\u{1f600}", "€", "\r\n", "\n", "\n\n", "a\nü", ""].map((text) => Buffer.from(text));
  for (let edge = BLOCK; edge < whole.length - 4; edge += BLOCK) {
    const text = onEdge[Math.floor(random() * onEdge.length)] ?? Buffer.alloc(0);
    text.copy(whole, edge - Math.ceil(random() * Math.max(1, text.length - 1)));
  }
  // A return within a line would show only what comes behind it.
  for (let at = whole.indexOf(13); at !== -1; at = whole.indexOf(13, at + 1)) if (whole[at + 1] !== 10) whole[at] = 32;
  return random() < 0.5 ? whole : whole.subarray(0, -1);
}

/** Runs in the page: drags the scrollbar. */
function scrollToPart(part: number): void {
  const view = document.querySelector("#view");
  if (view) view.scrollTop = part * (view.scrollHeight - view.clientHeight);
}

/** Runs in the page. */
function goToByte(offset: number): void {
  location.hash = `@${offset}`;
}
