#!/usr/bin/env node
/**
 * The original's `httpfstream-server` command.
 * @module
 */
import process from "node:process";
import { mainAs } from "../mod.ts";

await mainAs("httpfstream-server", process.argv.slice(2));
