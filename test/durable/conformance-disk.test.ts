import { startStandalone } from "../fixture/servers.ts";
import { conformance, LONG_POLL_MS } from "./suite.ts";

const args = ["--webhooks", "--durability", "disk", "--limit", `longPollMs=${LONG_POLL_MS}`];
conformance("standalone on node, at the level disk", () => startStandalone("node", { args }));
