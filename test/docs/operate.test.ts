/** The code blocks of docs/operate.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/operate.md");
