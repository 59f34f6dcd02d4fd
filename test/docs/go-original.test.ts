/** The code blocks of docs/go-original.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/go-original.md");
