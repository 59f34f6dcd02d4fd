#!/usr/bin/env node
/**
 * The original's `httpfstream-follow` command.
 * @module
 */
import process from "node:process";
import { mainAs } from "../mod.ts";

await mainAs("httpfstream-follow", process.argv.slice(2));
