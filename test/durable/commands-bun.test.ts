import { commandTests } from "./commands.ts";

commandTests("bun");
