/** The code blocks of docs/streams.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/streams.md");
