/**
 * Reads Markdown, away from the page: what takes too long can be ended, and does not hold up the page.
 * @module
 */
import { lexer } from "marked";

addEventListener("message", ({ data }: MessageEvent<string>) => {
  try {
    postMessage(lexer(data));
  } catch {
    // It is nested too deeply to be read, or to be handed over.
    postMessage(undefined);
  }
});
