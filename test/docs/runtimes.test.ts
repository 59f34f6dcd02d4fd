/** The code blocks of docs/runtimes.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/runtimes.md");
