import { commandTests } from "./commands.ts";

commandTests("node");
