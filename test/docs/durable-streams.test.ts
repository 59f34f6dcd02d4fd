/** The code blocks of docs/durable-streams.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/durable-streams.md");
