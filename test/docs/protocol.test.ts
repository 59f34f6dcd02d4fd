/** The code blocks of docs/protocol.md, run as a reader would run them. */
import { testPage } from "./page.ts";

await testPage("docs/protocol.md", {
  prelude: "echo hello | curl -T - 'http://127.0.0.1:8080/build/42.log?verb=APPEND'",
});
