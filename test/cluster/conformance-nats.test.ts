import { conformanceThroughNats } from "./conformance.ts";

conformanceThroughNats();
