/**
 * The style that the plain pages have in common: the page that asks for a token, and listings.
 * @module
 */

/**
 * The tables are those of folders. Every colour is set for the light and the dark scheme, because the browser's defaults are
 * unreadable in one of them.
 */
export const PAGE_STYLE: string = `
:root { color-scheme: light dark; --text: #1f2328; --page: #fff; --link: #0550ae; --faint: #59636e; --line: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --page: #0d1117; --link: #79b8ff; --faint: #9da7b3; --line: #30363d }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: var(--text); background: var(--page) }
h1 { font-size: 1.25rem; overflow-wrap: anywhere }
a { color: var(--link) }
table { border-collapse: collapse; width: 100% }
td, th { padding: .2rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
th { font-weight: 600; color: var(--faint) }
td:first-child, th:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere }
@media (max-width: 36rem) {
  thead { display: none }
  tr { display: flex; flex-wrap: wrap; justify-content: space-between; border-bottom: 1px solid var(--line); padding: .35rem 0 }
  td { border: 0; padding: 0 .25rem }
  td:first-child { flex: 1 0 100% }
}
`;
