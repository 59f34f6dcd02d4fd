import { conformanceThroughFolder } from "./conformance.ts";

conformanceThroughFolder();
