/**
 * Who may do what, as one table: every action over every transport, with every kind of credentials, in every state of
 * the path. A refusal looks the same in all states, and changes nothing on the disk.
 * @module
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { COLUMNS, type Column, type Outcome } from "./credentials.ts";
import { expirySection } from "./expiry.ts";
import { ROWS, type Row, STATES, type State } from "./requests.ts";
import { spellingsSection } from "./spellings.ts";
import { type Answer, forEach, SECRET, Stage } from "./stage.ts";
import { type GateTarget, signed } from "./target.ts";

const CHALLENGE = 'Bearer realm="httpfstream"';

/** What answers a request that is not allowed: its status, its code, and its `WWW-Authenticate`. */
const REFUSALS: Readonly<Record<Exclude<Outcome, "allowed">, readonly [number, string, RegExp | null]>> = {
  anonymous: [401, "unauthorized", new RegExp(`^${CHALLENGE}$`)],
  invalid: [401, "unauthorized", new RegExp(`^${CHALLENGE}, error="invalid_token", error_description="[^"]+"$`)],
  forbidden: [403, "forbidden", null],
  malformed: [400, "bad_request", null],
};

/** Registers the table as node:test tests. */
export function gateSuite(target: GateTarget): void {
  describe(`the gate: ${target.name}`, { timeout: 120_000 }, () => {
    let stage: Stage;

    before(async () => {
      stage = await Stage.set(target);
      await stage.append("live.txt");
      // Listings have states too: a folder with a live path, one without, and none.
      await Promise.all([stage.append("live/in.txt"), stage.write("ended/in.txt")]);
    });
    after(() => stage.clear());

    it("refuses every request without the right credentials, whatever the state, and changes nothing", async () => {
      const before = await stage.everything();
      const cells = cellsOf(([, { outcome }]) => outcome !== "allowed");
      await forEach(cells, async ([row, column]) => {
        const answers = await Promise.all(STATES.map((state) => refusal(stage, row, column, state)));
        // Otherwise a refusal would tell whether the path exists.
        assert.equal(new Set(answers).size, 1, `${title(row, column)}: the states differ: ${answers.join(" | ")}`);
      });
      assert.deepEqual(await stage.everything(), before);
    });

    it("lets every request with the right credentials do what it asks for", async () => {
      const cells = cellsOf(([, { outcome }]) => outcome === "allowed");
      await forEach(cells, async ([row, column]) => {
        for (const state of STATES) await expectAllowed(stage, row, column, state);
      });
    });

    it("asks OPTIONS for no credentials, and answers unknown methods before it is asked", async () => {
      assert.equal((await stage.ask("ended.txt", { method: "OPTIONS" }, {})).status, 204);
      assert.equal((await stage.ask("ended.txt", { method: "PATCH" }, {})).status, 405);
    });

    it("hides in a listing what may not be read", async () => {
      await Promise.all(
        ["open.txt", "shut.txt", "deep/open.txt", "shut/a.txt"].map((file) => stage.write(`shown/${file}`)),
      );
      const folder = `/${stage.folder}/shown`;
      const token = await signed({ httpfstream: { list: [folder], read: [`${folder}/**/open.txt`] } });
      const asking = { headers: { Accept: "application/json" } };
      const { status, text } = await stage.ask("shown/", asking, { authorization: `Bearer ${token}` });
      assert.equal(status, 200);
      const { entries } = JSON.parse(text) as { entries: { name: string }[] };
      assert.deepEqual(
        entries.map(({ name }) => name),
        ["deep", "open.txt", "shut"],
      );
    });

    spellingsSection(target);
    expirySection(target);
  });
}

type Named<Value> = readonly [name: string, value: Value];
type Cell = readonly [Named<Row>, Named<Column>];

/** The cells of the columns of one kind. */
function cellsOf(isWanted: (column: Named<Column>) => boolean): Cell[] {
  const columns = Object.entries(COLUMNS).filter(isWanted);
  return Object.entries(ROWS).flatMap((row) => columns.map((column): Cell => [row, column]));
}

function title([row]: Named<Row>, [column]: Named<Column>, state: State | "" = ""): string {
  return `${row} with ${column} ${state}`.trim();
}

/** Expects a refusal, and returns its text without what depends on the path. */
async function refusal(stage: Stage, row: Named<Row>, column: Named<Column>, state: State): Promise<string> {
  const what = title(row, column, state);
  const [, { action, headers = {} }] = row;
  const path = pathOf(row[1], state);
  const answer = await send(stage, row[1], column[1], path);
  const isProducer = "Producer-Id" in headers;
  const { outcome } = column[1];
  if (outcome === "allowed") throw new Error(`${what} is no refusal`);
  // A client with producer headers takes 403 for a stale epoch, and tries again without end.
  const kind = isProducer && outcome === "forbidden" ? "anonymous" : outcome;
  const [status, code, challenge] = REFUSALS[kind];
  assert.deepEqual([answer.status, answer.headers.get("Stream-Error")], [status, code], `${what}: ${answer.text}`);
  const given = answer.headers.get("WWW-Authenticate");
  if (challenge) assert.match(given ?? "", challenge, what);
  else assert.equal(given, null, what);
  assert.equal(answer.headers.get("Cache-Control"), "no-store", what);
  for (const name of ["Stream-Next-Offset", "Stream-Generation", "ETag", "Last-Modified"]) {
    assert.equal(answer.headers.get(name), null, `${what}: ${name}`);
  }
  assert.doesNotMatch(answer.text, new RegExp(`${SECRET}|eyJ`), what);
  assert.equal(answer.text === "", row[1].method === "HEAD", `${what}: ${answer.text}`);
  return answer.text.replaceAll(path.replace(/\/$/, ""), action);
}

async function expectAllowed(stage: Stage, row: Named<Row>, column: Named<Column>, state: State): Promise<void> {
  const [, { action, allowed, mayBeEmpty }] = row;
  if (mayBeEmpty === state && stage.target.differs?.["late head"]) return;
  const changes = action === "append" || action === "delete";
  const path = changes && state !== "live" ? await stage.fresh(state === "ended") : pathOf(row[1], state);
  const answer = await send(stage, row[1], column[1], path);
  assert.equal(answer.status, allowed[state], `${title(row, column, state)}: ${answer.text}`);
  assert.notEqual(answer.headers.get("Stream-Error"), "forbidden");
}

function send(stage: Stage, row: Row, { present }: Column, path: string): Promise<Answer> {
  return present(row.action, `/${stage.folder}/${path.replace(/\/$/, "")}`).then((shown) =>
    stage.ask(path, row, shown),
  );
}

function pathOf({ action }: Row, state: State): string {
  return action === "list" ? `${state}/` : `${state}.txt`;
}
