#!/usr/bin/env node
/**
 * The `httpfstream-append` command, as the original had it.
 * @module
 */
import process from "node:process";
import { mainAs } from "../mod.ts";

await mainAs("httpfstream-append", process.argv.slice(2));
