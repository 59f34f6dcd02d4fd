/** The command line of `npm run simulate`: what it takes, and what it says about the rest. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LIVE_TOLERANCE, TOLERANCE } from "../../scripts/simulate/against.ts";
import { COST_NAMES, COSTS_FILE, defaultCosts, LIMIT_NAMES } from "../../scripts/simulate/costs.ts";
import { DEFAULT_LOADS } from "../../scripts/simulate/loads.ts";
import { parseOptions } from "../../scripts/simulate/options.ts";
import { differing, withTables } from "../../scripts/simulate/page.ts";
import { DEFAULT_LIMITS } from "../../src/engine/limits.ts";
import { PROJECT } from "../fixture/processes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const BENCH = join(PROJECT, "docs", "bench.json");

let folder = "";
before(async () => {
  folder = await temporaryFolder("simulate");
});
after(() => removeFolder(folder));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

describe("the options of the model", () => {
  it("are the costs of the file and the limits of the server by default", () => {
    const options = parseOptions([]);
    assert.deepEqual(options?.costs, defaultCosts());
    assert.deepEqual(options?.loads, DEFAULT_LOADS);
    for (const name of LIMIT_NAMES) assert.equal(options?.costs[name], DEFAULT_LIMITS[name]);
    assert.deepEqual(Object.keys(defaultCosts()).sort(), [...COST_NAMES, ...LIMIT_NAMES].sort());
  });

  it("replace costs, the more specific ones last", () => {
    const costs = file("costs.json", { deliveryUs: 10, appendUs: { value: 20 }, pathFollowers: 5 });
    const options = parseOptions(["--bench", BENCH, "--costs", costs, "--cost", "deliveryUs=11", "--cost", "edges=1"]);
    const { deliveryUs, appendUs, pathFollowers, edges, connectMs } = options?.costs ?? defaultCosts();
    assert.deepEqual([deliveryUs, appendUs, pathFollowers, edges], [11, 20, 5, 1]);
    assert.equal(connectMs, defaultCosts().connectMs);
    assert.deepEqual(parseOptions(["--costs", COSTS_FILE])?.costs, defaultCosts());
  });

  it("replace loads and choose cases", () => {
    const options = parseOptions([
      "--load",
      "one-path.followers=2e6",
      "--load",
      "many-paths.followersEach=0",
      "--only",
      "appenders,one-path",
    ]);
    assert.equal(options?.loads["one-path"].followers, 2e6);
    assert.equal(options?.loads["many-paths"].followersEach, 0);
    assert.deepEqual(options?.cases, ["one-path", "appenders"]);
  });

  it("have another tolerance for a measurement on any machine", () => {
    assert.equal(parseOptions(["--against", BENCH])?.tolerance, TOLERANCE);
    assert.equal(parseOptions(["--live"])?.tolerance, LIVE_TOLERANCE);
    assert.equal(parseOptions(["--live", "--tolerance", "4"])?.tolerance, 4);
  });

  it("print the help", () => {
    assert.equal(parseOptions(["--help", "--cost", "nonsense"]), undefined);
  });

  const refused: readonly [string, readonly string[], RegExp][] = [
    ["an unknown option", ["--deliveries"], /Unknown option '--deliveries'/],
    ["a cost without a value", ["--cost", "deliveryUs"], /--cost is NAME=NUMBER, not "deliveryUs"/],
    ["an unknown cost", ["--cost", "deliveryMs=7"], /there is no cost "deliveryMs"; --list shows all/],
    ["a cost that is no number", ["--cost", "deliveryUs=fast"], /--cost deliveryUs is a number, not "fast"/],
    ["a cost of nothing", ["--cost", "deliveryUs=0"], /deliveryUs is a number above 0, not 0/],
    [
      "a negative number of spare machines",
      ["--cost", "spareMachines=-1"],
      /spareMachines is a whole number from 0 on/,
    ],
    ["a part of a processor", ["--cost", "processors=2.5"], /processors is a whole number above 0, not 2.5/],
    ["more than a whole machine", ["--cost", "utilisation=1.1"], /utilisation is a number above 0, at most 1, not 1.1/],
    [
      "an unknown load",
      ["--load", "one-path.readers=7"],
      /--load is CASE.NAME=NUMBER with one of one-path.followers, /,
    ],
    ["an inherited name", ["--load", "one-path.toString=7"], /--load is CASE.NAME=NUMBER/],
    ["a load of nothing", ["--load", "one-path.followers=0"], /one-path.followers is a number above 0, not "0"/],
    [
      "a load that is no number",
      ["--load", "many-paths.paths=many"],
      /many-paths.paths is a number above 0, not "many"/,
    ],
    ["an unknown case", ["--only", "one-route"], /--only is one of one-path, many-paths, appenders, not "one-route"/],
    ["two actions", ["--live", "--against", BENCH], /--against and --live exclude each other/],
    ["a page of other loads", ["--write", "--load", "one-path.followers=7"], /--write goes without --load/],
    ["a check of other costs", ["--check", "--cost", "edges=1"], /--check goes without --cost/],
    ["a check of other results", ["--check", "--bench", BENCH], /--check goes without --bench/],
    ["a tolerance of nothing", ["--tolerance", "1.5"], /--tolerance goes with --against or --live/],
    [
      "a tolerance below 1",
      ["--live", "--tolerance", "0.9"],
      /--tolerance is a ratio from 1 on, such as 1.5, not "0.9"/,
    ],
    ["a file that is not there", ["--costs", "/nowhere.json"], /--costs: "\/nowhere.json" can't be read \(ENOENT\)/],
    ["costs in place of results", ["--against", COSTS_FILE], /has no results of npm run bench -- --json FILE/],
  ];
  for (const [what, args, message] of refused) {
    it(`refuse ${what}`, () => assert.throws(() => parseOptions(args), message));
  }

  it("refuse files with other contents", () => {
    assert.throws(() => parseOptions(["--costs", file("text.json", "deliveryUs: 7")]), /text.json" is no JSON/);
    assert.throws(() => parseOptions(["--costs", file("list.json", [7])]), /list.json" has no object of costs/);
    assert.throws(
      () => parseOptions(["--costs", file("other.json", { speed: 7 })]),
      /other.json: there is no cost "speed"/,
    );
    assert.throws(
      () => parseOptions(["--costs", file("word.json", { edges: "7" })]),
      /word.json: edges is a whole number above 0, not "7"/,
    );
    const smoke = file("smoke.json", { size: "smoke", loads: {} });
    assert.throws(() => parseOptions(["--against", smoke]), /the size smoke, which measures nothing/);
    const empty = file("empty.json", { size: "quick", loads: {} });
    assert.throws(
      () => parseOptions(["--bench", empty]),
      /no serverCost of httpfstream in ingest-many: npm run bench -- --only ingest-many/,
    );
  });
});

describe("the tables of a page", () => {
  const table = { name: "a", title: "", header: ["x"], rows: [["1"]] };
  const page = "text\n\n<!-- simulate: a -->\n\nold\n\n<!-- /simulate: a -->\n\nmore\n";

  it("are written between their comments, and the rest stays", () => {
    const written = withTables(page, [table]);
    assert.equal(written, "text\n\n<!-- simulate: a -->\n\n| x |\n|---|\n| 1 |\n\n<!-- /simulate: a -->\n\nmore\n");
    assert.equal(withTables(written, [table]), written);
    assert.deepEqual([differing(page, [table]), differing(written, [table])], [["a"], []]);
  });

  it("need a place, and a place needs a table", () => {
    assert.throws(() => withTables("text", [table]), /The page has no "<!-- simulate: a -->"/);
    assert.throws(() => withTables(page, []), /There is no table "a" for the page/);
    assert.throws(() => withTables("<!-- simulate: a -->\n", [table]), /The page has no "<!-- \/simulate: a -->"/);
  });
});
