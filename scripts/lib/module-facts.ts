/**
 * What a TypeScript file imports and which runtime names it uses, read from its syntax tree: comments, strings and
 * property names do not count.
 * @module
 */
import { parseSync } from "oxc-parser";

/** One finding, and where it stands. */
export interface Mention {
  readonly name: string;
  /** The first line is 1. */
  readonly line: number;
}

/** What there is to know of a file. */
export interface ModuleFacts {
  /** Module specifiers of static, type-only, re-exporting and dynamic imports. `""` where one is computed. */
  readonly imports: readonly Mention[];
  /** Uses of the names asked for. */
  readonly globals: readonly Mention[];
}

/**
 * The facts of one file.
 *
 * @throws {SyntaxError} when the file is no TypeScript.
 * @example
 * ```ts
 * moduleFacts("a.ts", `import { join } from "node:path"; process.exit();`, ["process"]);
 * // { imports: [{ name: "node:path", line: 1 }], globals: [{ name: "process", line: 1 }] }
 * ```
 */
export function moduleFacts(file: string, source: string, names: readonly string[]): ModuleFacts {
  const { program, errors } = parseSync(file, source);
  if (errors[0]) throw new SyntaxError(`${file}: ${errors[0].message}`);
  const imports: Mention[] = [];
  const globals: Mention[] = [];
  const lineOf = (offset: number): number => source.slice(0, offset).split("\n").length;

  walk(program as unknown as Node, (node, parent, key) => {
    const specifier = IMPORTING.get(node.type);
    const module = specifier === undefined ? undefined : node[specifier];
    if (isNode(module)) imports.push({ name: literal(module), line: lineOf(node.start) });
    if (node.type === "Identifier" && names.includes(node.name as string) && !isPropertyName(parent, key)) {
      globals.push({ name: node.name as string, line: lineOf(node.start) });
    }
  });
  return { imports, globals };
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** The kinds of nodes that name another module, and under which key. */
const IMPORTING: ReadonlyMap<string, string> = new Map([
  ["ImportDeclaration", "source"],
  ["ExportNamedDeclaration", "source"],
  ["ExportAllDeclaration", "source"],
  ["ImportExpression", "source"],
  ["TSImportType", "source"],
  ["TSExternalModuleReference", "expression"],
]);

function walk(node: Node, visit: (node: Node, parent: Node | undefined, key: string) => void): void {
  const step = (current: Node, parent: Node | undefined, key: string): void => {
    visit(current, parent, key);
    for (const [name, value] of Object.entries(current)) {
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) step(child, current, name);
    }
  };
  step(node, undefined, "");
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

/** `x.process`, `{ process: 1 }`, `{ process?: string }`: names of properties, not of globals. */
function isPropertyName(parent: Node | undefined, key: string): boolean {
  if (!parent || parent.computed === true) return false;
  return key === "property" || (key === "key" && parent.type !== "TSMappedType");
}

function literal(node: Node): string {
  return typeof node.value === "string" ? node.value : "";
}
