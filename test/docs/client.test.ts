/** The code blocks of docs/client.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/client.md");
