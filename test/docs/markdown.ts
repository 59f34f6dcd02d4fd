/**
 * The parts of a Markdown file that the tests need: headings, code blocks, links.
 * @module
 */

/** A fenced code block. */
export interface Block {
  /** The line of its fence, counted from 1. */
  readonly line: number;
  /** The text after the fence, such as `sh`. */
  readonly language: string;
  readonly text: string;
  /** The contents of the `<!-- docs: … -->` comments right above it. */
  readonly directives: readonly string[];
}

/** A heading with the blocks below it, up to the next heading. */
export interface Section {
  readonly title: string;
  /** 1 for `#`, and so on; 0 for the part before the first heading. */
  readonly level: number;
  readonly blocks: readonly Block[];
}

const DIRECTIVE = /^<!-- docs: (.+) -->$/;

/**
 * The sections of a file, with their blocks.
 *
 * @throws {Error} If a code block has no end.
 */
export function sectionsOf(markdown: string): Section[] {
  const sections: { title: string; level: number; blocks: Block[] }[] = [{ title: "", level: 0, blocks: [] }];
  let open: { line: number; language: string; lines: string[]; directives: string[] } | undefined;
  let directives: string[] = [];
  for (const [index, line] of markdown.split("\n").entries()) {
    if (open) {
      if (line !== "```") {
        open.lines.push(line);
        continue;
      }
      const { lines, ...block } = open;
      sections.at(-1)?.blocks.push({ ...block, text: lines.join("\n") });
      open = undefined;
      continue;
    }
    const said = DIRECTIVE.exec(line)?.[1];
    if (said !== undefined) {
      directives.push(said);
      continue;
    }
    const [, fence] = /^```(.*)$/.exec(line) ?? [];
    if (fence !== undefined) open = { line: index + 1, language: fence, lines: [], directives };
    const [, marks = "", title = ""] = /^(#{1,6}) (.+)$/.exec(line) ?? [];
    if (title !== "") sections.push({ title, level: marks.length, blocks: [] });
    directives = [];
  }
  if (open) throw new Error(`the code block of line ${open.line} has no end`);
  return sections;
}

/** The file without its code blocks and comments. */
function proseOf(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, "").replace(/<!--[\s\S]*?-->/g, "");
}

/** The targets of the links and images of a file. */
export function linksOf(markdown: string): string[] {
  const prose = proseOf(markdown).replace(/`[^`\n]*`/g, (code) => code.replace(/[()[\]]/g, ""));
  const inline = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target as string);
  const tags = [...prose.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, target]) => target as string);
  return [...inline, ...tags];
}

/** The anchors of the file's headings, as GitHub makes them. */
export function anchorsOf(markdown: string): Set<string> {
  const titles = sectionsOf(markdown).map(({ title }) => title);
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
