import { startStandalone } from "../fixture/servers.ts";
import { conformance, LONG_POLL_MS } from "./suite.ts";

const args = ["--webhooks", "--limit", `longPollMs=${LONG_POLL_MS}`];
conformance("standalone on node", () => startStandalone("node", { args }));
