import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["test/durable/conformance.ts"], fileParallelism: false } });
