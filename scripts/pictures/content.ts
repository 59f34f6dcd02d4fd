/**
 * What the pictures show.
 * @module
 */

const ESC = "\x1b";
const colour = (code: number | string, text: string): string => `${ESC}[${code}m${text}${ESC}[0m`;
const link = (address: string, text: string): string => `${ESC}]8;;${address}${ESC}\\${text}${ESC}]8;;${ESC}\\`;

const ARTIFACT = link("https://example.com/artifacts/42", "build 42");

/** The output of a build when its pictures are taken: a part of it, with its progress at the end. */
export const BUILD = [
  `${colour(1, "$ make release")}`,
  ...["parser.c", "lexer.c", "scope.c", "emit.c", "link.c", "main.c", "utf8.c", "queue.c", "store.c", "net.c"].map(
    (file, at) =>
      `${colour(36, `[${String(at + 3).padStart(2, " ")}/34]`)} cc -O2 -Wall -c src/${file} -o build/${file.replace(".c", ".o")}`,
  ),
  `${colour("1;33", "warning:")} src/scope.c:118:9: unused variable ${colour(1, "depth")}`,
  `    118 |     int depth = scope_depth(top);`,
  `        |         ${colour("1;33", "^~~~~")}`,
  `${colour(36, "[31/34]")} ld -o build/server build/*.o`,
  ...["starts in an empty folder", "appends and follows", "survives a restart", "answers ranges"].map(
    (name) => `${colour(32, "✓")} ${name}`,
  ),
  `${colour("1;31", "✗ keeps the order of 1,000 appends")}  expected 1000, got 999`,
  ...["removes what has expired", "reads 1 GB", "shares one look at a folder", "wakes its subscribers"].map(
    (name) => `${colour(32, "✓")} ${name}`,
  ),
  `uploading ${ARTIFACT}   12%\ruploading ${ARTIFACT}   87% ${colour(90, "of 48.2 MB")}`,
].join("\n");

/** Lines of JSON, as services write them. */
export const EVENTS = [
  { level: "info", msg: "listening", port: 8080, pid: 4121 },
  { level: "info", msg: "request", method: "GET", path: "/build/42.log", status: 200, ms: 1.8 },
  { level: "warn", msg: "slow query", table: "builds", ms: 812, rows: 20114 },
  { level: "info", msg: "request", method: "PUT", path: "/build/43.log", status: 201, ms: 3.1 },
  { level: "error", msg: "cannot reach the registry", host: "registry.example", code: "ETIMEDOUT", attempt: 1 },
  { level: "info", msg: "trying again", host: "registry.example", inMs: 500 },
  { level: "error", msg: "cannot reach the registry", host: "registry.example", code: "ETIMEDOUT", attempt: 2 },
  { level: "info", msg: "reached", host: "registry.example", attempt: 3 },
  { level: "info", msg: "request", method: "GET", path: "/build/", status: 200, ms: 0.9, cached: true, next: null },
]
  .map((event, at) => `${JSON.stringify({ time: `2026-11-26T14:30:0${at}.${212 + 37 * at}Z`, ...event })}\n`)
  .join("");

/** One JSON value. */
export const RESULT = `${JSON.stringify(
  {
    build: 42,
    commit: "6c1f0dcd",
    passed: false,
    tests: { count: 1204, failed: 1, skipped: 3 },
    failures: [{ name: "keeps the order of 1,000 appends", expected: 1000, actual: 999 }],
    artifacts: ["server", "server.map"],
    next: null,
  },
  undefined,
  2,
)}\n`;

/** An answer of a language model. */
export const ANSWER = `# Why build 42 fails

The test **keeps the order of 1,000 appends** loses one of them. Two things come together:

1. The queue is drained *while* an append is added.
2. \`take()\` removes by index, so the new one is skipped.

\`\`\`c
while (queue->count > 0) {
  handle(queue->items[0]);
  queue_remove(queue, 0);
}
\`\`\`

| way | lost | time |
|---|---|--:|
| by index | 1 of 1,000 | 1.2 ms |
| by head | 0 | 1.1 ms |

> The other tests never append twice within a turn.

See the [notes](https://example.com/notes).
`;

/** The start of a program. */
export const BINARY: Uint8Array = Uint8Array.from({ length: 6_000 }, (_, at) => {
  const start = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0];
  const text = "usage: server [--port N] [--root FOLDER]\0listening on %s\0";
  if (at < start.length) return start[at] ?? 0;
  return at >= 64 && at < 64 + text.length ? text.charCodeAt(at - 64) : at % 7 === 0 ? 0 : (at * 73 + (at >> 3)) & 0xff;
});
