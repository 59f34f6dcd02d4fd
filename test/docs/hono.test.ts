/** The code blocks of docs/hono.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/hono.md");
