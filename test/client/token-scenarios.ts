import type { Scenarios } from "./scenarios.ts";
export const TOKEN_SCENARIOS: Scenarios = {};
