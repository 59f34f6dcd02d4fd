/** The code blocks of docs/commands.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/commands.md");
