/**
 * The public conformance suite of Durable Streams, as Vitest runs it against the server of the environment variable
 * `CONFORMANCE_TEST_URL`.
 */
import process from "node:process";
import { runConformanceTests } from "@durable-streams/server-conformance-tests";

runConformanceTests({ baseUrl: process.env["CONFORMANCE_TEST_URL"] ?? "", subscriptions: true });
