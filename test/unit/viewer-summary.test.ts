/** What screen readers are told of lines that arrive in the viewer. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { Summary } from "../../src/viewer/page/ui/summary.ts";

/** As much of a document as there is to know of the element with the summary. */
class Element {
  textContent = "";
}

describe("the polite summary of the viewer", () => {
  const element = new Element();
  let last = "";
  let summary: Summary;
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    Object.assign(globalThis, { HTMLElement: Element, document: { getElementById: () => element } });
    element.textContent = "";
    summary = new Summary(() => last);
  });
  afterEach(() => {
    mock.timers.reset();
    for (const name of ["HTMLElement", "document"]) Reflect.deleteProperty(globalThis, name);
  });

  function add(count: number, line: string): string {
    last = line;
    summary.add(count);
    return element.textContent;
  }

  it("tells of the first lines at once, and of all others every five seconds", () => {
    assert.equal(add(1, "one"), "1 new line. Last: one");
    assert.equal(add(2, "three"), "1 new line. Last: one");
    add(1_000, "last");
    mock.timers.tick(4_999);
    assert.equal(element.textContent, "1 new line. Last: one");
    mock.timers.tick(1);
    assert.equal(element.textContent, "1,002 new lines. Last: last");
    mock.timers.tick(5_000);
    assert.equal(element.textContent, "1,002 new lines. Last: last");
    assert.equal(add(1, "x".repeat(300)), `1 new line. Last: ${"x".repeat(200)}`);
  });

  it("does not tell of parts of lines, and of lines that the reader does not follow", () => {
    assert.equal(add(0, "half"), "");
    add(3, "three");
    add(4, "seven");
    summary.clear();
    mock.timers.tick(5_000);
    assert.equal(element.textContent, "3 new lines. Last: three");
  });
});
