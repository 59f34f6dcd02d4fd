/**
 * Pictures as small files, and many of them on one sheet.
 * @module
 */
import type { Browser } from "playwright-core";
import sharp from "sharp";

/** A picture with what stands above it. */
export interface Titled {
  readonly title: string;
  readonly png: Buffer;
}

/** Maximum number of colours of a picture. Text with few colours looks the same. */
const COLOURS = 64;

/** The picture with few colours. */
export async function small(png: Buffer): Promise<Buffer> {
  return await sharp(png)
    .png({ palette: true, colours: COLOURS, dither: 0, effort: 10, compressionLevel: 9 })
    .toBuffer();
}

/** Puts pictures of one width beside and below each other. */
export async function sheetOf(
  browser: Browser,
  pictures: readonly Titled[],
  { columns, width, dark }: { readonly columns: number; readonly width: number; readonly dark: boolean },
): Promise<Buffer> {
  const [page, text, line] = dark ? ["#21262d", "#e6edf3", "#30363d"] : ["#eaeef2", "#1f2328", "#d1d9e0"];
  const figures = pictures.map(
    ({ title, png }) =>
      `<figure><figcaption>${title}</figcaption><img src="data:image/png;base64,${png.toString("base64")}"></figure>`,
  );
  const tab = await browser.newPage({ viewport: { width: columns * (width + 2) + (columns + 1) * 16, height: 100 } });
  await tab.setContent(`<!doctype html><style>
    body { margin: 0; padding: 8px 16px 16px; background: ${page}; color: ${text}; font: 600 15px system-ui, sans-serif;
      display: grid; gap: 8px 16px; grid-template-columns: repeat(${columns}, ${width + 2}px); }
    figure { margin: 0; }
    figcaption { padding: 6px 2px; }
    img { display: block; width: ${width}px; border: 1px solid ${line}; }
  </style>${figures.join("")}`);
  const sheet = await tab.screenshot({ fullPage: true });
  await tab.close();
  return await small(sheet);
}
