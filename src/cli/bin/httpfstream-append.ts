#!/usr/bin/env node
/**
 * The original's `httpfstream-append` command.
 * @module
 */
import process from "node:process";
import { mainAs } from "../mod.ts";

await mainAs("httpfstream-append", process.argv.slice(2));
