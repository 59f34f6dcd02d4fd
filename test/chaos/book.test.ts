/** The chaos test finds whatever is wrong with what is stored of the requests to a stream. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Book, type Entry } from "../../scripts/chaos/durable/book.ts";

/** Requests of two producers, one of which begins a new epoch. */
function written(isJson: boolean): { book: Book; a: Entry; b: Entry; other: Entry; late: Entry } {
  const book = new Book(isJson);
  const [a, b] = [book.enter(["p", 0, 0], [3, 4]), book.enter(["p", 0, 1], [5])];
  const [other, late] = [book.enter(["q", 0, 0], [1, 1]), book.enter(["p", 1, 0], [2])];
  for (const entry of [a, b, other, late]) entry.fate = "stored";
  return { book, a, b, other, late };
}

function textOf(book: Book, ...entries: readonly Entry[]): string {
  return book.stored(entries.flatMap(({ messages }) => messages));
}

for (const isJson of [false, true]) {
  describe(`the book of a stream of ${isJson ? "JSON" : "text"}`, () => {
    it("finds nothing wrong in any order that keeps that of each producer", () => {
      const { book, a, b, other, late } = written(isJson);
      for (const entries of [
        [a, b, other, late],
        [other, a, b, late],
        [a, other, b, late],
      ]) {
        assert.deepEqual(book.check(textOf(book, ...entries)), []);
      }
    });

    it("may lack what was not answered", () => {
      const { book, a, b, other, late } = written(isJson);
      late.fate = "unanswered";
      assert.deepEqual(book.check(textOf(book, a, b, other)), []);
      assert.deepEqual(book.check(textOf(book, a, b, other, late)), []);
    });

    it("finds what is lost, doubled, out of order, cut, changed, refused or foreign", () => {
      const { book, a, b, other, late } = written(isJson);
      const whole = textOf(book, a, b, other, late);
      const cut = textOf(book, a, b, late) + book.stored(other.messages.slice(0, 1));
      for (const [text, words] of [
        [textOf(book, a, b, late), /q 0 0 is not there, though it was acknowledged/],
        [textOf(book, a, b, b, other, late), /p 0 1 comes behind p 0 1/],
        [textOf(book, b, a, other, late), /p 0 1 comes behind nothing/],
        [textOf(book, a, late, b, other), /p 0 1 comes behind p 1 0/],
        [cut, /q 0 0 is not there as a whole/],
        [whole.replace("xxx", "xyx"), /never written|not there as a whole/],
        [whole.slice(0, -1), /ends within a line/],
        [`${whole}${book.stored(["foreign"])}`, /never written/],
      ] as const) {
        assert.match(book.check(text).join("; "), words);
      }
      other.fate = "refused";
      assert.match(book.check(whole).join("; "), /q 0 0 is there, though it was refused/);
    });

    it("finds what comes behind the request that has closed it", () => {
      const { book, a, b, other, late } = written(isJson);
      book.closer = late;
      assert.deepEqual(book.check(textOf(book, a, b, other, late)), []);
      assert.match(book.check(textOf(book, a, b, late, other)).join("; "), /does not end with what has closed it/);
    });

    it("takes the first part of it for what a reader has got so far", () => {
      const { book, a, b, other } = written(isJson);
      const part = textOf(book, a, b) + book.stored(other.messages.slice(0, 1));
      assert.deepEqual(book.check(part, false), []);
      assert.deepEqual(book.check(part.slice(0, -2), false), []);
      assert.match(book.check(textOf(book, b), false).join("; "), /p 0 1 comes behind nothing/);
    });

    it("has the bodies of the requests", () => {
      const { book, a } = written(isJson);
      assert.equal(book.body(a), isJson ? JSON.stringify(a.messages) : book.stored(a.messages));
    });
  });
}
