import { startStandalone } from "../fixture/servers.ts";
import { conformance, LONG_POLL_MS } from "./suite.ts";

// With metrics, all that a store does is timed.
const args = ["--webhooks", "--admin", "127.0.0.1:0", "--limit", `longPollMs=${LONG_POLL_MS}`];
conformance("standalone on bun", () => startStandalone("bun", { args }));
