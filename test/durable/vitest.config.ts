import { defineConfig } from "vitest/config";

/** Cases of the suite make up to a million assertions, which takes longer than the default of 5 s on a busy machine. */
const CASE_MS = 60_000;

export default defineConfig({
  test: { include: ["test/durable/conformance.ts"], fileParallelism: false, testTimeout: CASE_MS },
});
