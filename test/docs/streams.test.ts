/** The code blocks of docs/streams.md, run as a reader would run them. The language model is a fake one. */
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/install.mjs";
import { testPage } from "./page.ts";

await testPage("docs/streams.md", { packages: ["ai"], preload: join(ROOT, "test", "fixture", "slow-model.mjs") });
