/** The code blocks of the README, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("README.md");
