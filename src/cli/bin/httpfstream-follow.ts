#!/usr/bin/env node
/**
 * The `httpfstream-follow` command, as the original had it.
 * @module
 */
import process from "node:process";
import { mainAs } from "../mod.ts";

await mainAs("httpfstream-follow", process.argv.slice(2));
