#!/usr/bin/env node
/**
 * The `httpfstream-server` command, as the original had it.
 * @module
 */
import process from "node:process";
import { mainAs } from "../mod.ts";

await mainAs("httpfstream-server", process.argv.slice(2));
