/**
 * Searches lines of JSON by their fields: `.level>=warn .http.status=500 "not found"`. All terms must hold.
 * @module
 */

/** A query that can't be understood. The message says why. */
export class QueryError extends Error {}

/** A field, an operator and a value; or a text. Both may be in quotes. */
const TERM = /\s*(?:\.([\w$@-]+(?:\.[\w$@-]+)*)(!=|>=|<=|[=><~])("(?:[^"\\]|\\.)*"|\S*)|("(?:[^"\\]|\\.)*"|\S+))/y;

/** The usual names of the level. */
const LEVEL_NAMES = ["level", "lvl", "severity", "levelname", "log.level"];

/** Levels in their order, with the numbers of pino and bunyan. */
const LEVELS: readonly (readonly [number, RegExp])[] = [
  [10, /^(trace|verbose)$/],
  [20, /^debug$/],
  [30, /^(info(rmation)?|notice)$/],
  [40, /^warn(ing)?$/],
  [50, /^err(or)?$/],
  [60, /^(fatal|panic|crit(ical)?|alert|emerg(ency)?)$/],
];

type Test = (line: string, value: unknown) => boolean;

/**
 * Reads a query. The result tests the text of a line.
 *
 * @throws {QueryError} if the query can't be understood.
 */
export function fieldsQuery(query: string): { test(line: string): boolean } {
  const tests: Test[] = [];
  const text = query.trim();
  TERM.lastIndex = 0;
  while (TERM.lastIndex < text.length) {
    const [, field, operator = "", value = "", words = ""] = TERM.exec(text) ?? [];
    tests.push(field === undefined ? textTest(words) : fieldTest(field, operator, value));
  }
  return {
    test(line) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        return false;
      }
      return typeof value === "object" && tests.every((test) => test(line, value));
    },
  };
}

function textTest(words: string): Test {
  if (/^\.[^\s"]*[=<>~!]/.test(words)) throw new QueryError(`"${words}" is no field, operator and value.`);
  const wanted = unquoted(words).toLowerCase();
  return (line) => line.toLowerCase().includes(wanted);
}

function fieldTest(field: string, operator: string, given: string): Test {
  if (given === "") throw new QueryError(`".${field}${operator}" needs a value; "" is the empty text.`);
  const isLevel = LEVEL_NAMES.includes(field.toLowerCase());
  const wanted = unquoted(given);
  if (/[<>]/.test(operator) && rank(wanted, isLevel) === undefined && !isTime(wanted)) {
    const comparable = isLevel ? "numbers, times and levels" : "numbers and times";
    throw new QueryError(`"${operator}" compares ${comparable}; "${wanted}" is none.`);
  }
  const holds = (value: unknown): boolean => compare(value, operator.replace("!=", "="), wanted, isLevel);
  return (_, record) => {
    const values = valuesOf(record, field, isLevel);
    return operator === "!=" ? !values.some(holds) : values.some(holds);
  };
}

function compare(value: unknown, operator: string, wanted: string, isLevel: boolean): boolean {
  const text = (typeof value === "object" ? JSON.stringify(value) : String(value)).toLowerCase();
  const other = wanted.toLowerCase();
  if (operator === "~") return text.includes(other);
  const [one, two] = [rank(text, isLevel), rank(other, isLevel)];
  // Times in ISO 8601 are in the order of their characters.
  const order = one !== undefined && two !== undefined ? one - two : text < other ? -1 : text > other ? 1 : 0;
  if (operator === "=") return order === 0;
  if ((one === undefined || two === undefined) && !isTime(text)) return false;
  return operator === ">" ? order > 0 : operator === "<" ? order < 0 : operator === ">=" ? order >= 0 : order <= 0;
}

/** The values of a field: of a name with points, or in nested objects; of an array, each. */
function valuesOf(record: unknown, field: string, isLevel: boolean): unknown[] {
  for (const name of isLevel ? [field, ...LEVEL_NAMES] : [field]) {
    const found = own(record, name) ?? name.split(".").reduce(own, record);
    if (found !== undefined) return Array.isArray(found) ? found : [found];
  }
  return [];
}

function own(record: unknown, name: string): unknown {
  const isThere = typeof record === "object" && record !== null && Object.hasOwn(record, name);
  return isThere ? (record as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** A number, or the place of a level. */
function rank(text: string, isLevel: boolean): number | undefined {
  const level = isLevel ? LEVELS.find(([, names]) => names.test(text.toLowerCase()))?.[0] : undefined;
  return level ?? (text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text));
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d/.test(text);
}

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    throw new QueryError(`${text} has no closing quotation mark.`);
  }
}
