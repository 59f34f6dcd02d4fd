import { commandTests } from "./commands.ts";

commandTests("deno");
