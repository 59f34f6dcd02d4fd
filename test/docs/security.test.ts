/** The code blocks of docs/security.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/security.md");
