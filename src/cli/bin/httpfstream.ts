#!/usr/bin/env node
/**
 * The `httpfstream` command.
 * @module
 */
import process from "node:process";
import { main } from "../mod.ts";

await main(process.argv.slice(2));
