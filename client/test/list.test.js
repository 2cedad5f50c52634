import assert from "node:assert/strict";
import { test } from "node:test";
import { CommentList, FOLLOWING, READING } from "../list.js";
import { Problem } from "../problem.js";
import { chance, comment } from "./support.js";

/** @typedef {import("../list.js").Entry} Entry */

/** A list with what a browser would show of it, held to be the same at every look. */
function shown() {
  /** @type {import("../model.js").Comment[]} */
  let newest = [];
  /** @type {Entry[]} */
  const rows = [];
  const list = new CommentList({
    put(entry, next) {
      if (rows.includes(entry)) rows.splice(rows.indexOf(entry), 1);
      rows.splice(next ? rows.indexOf(next) : rows.length, 0, entry);
    },
    remove: (entry) => void rows.splice(rows.indexOf(entry), 1),
    change: (entry) => assert.ok(rows.includes(entry)),
    newest: () => newest,
  });
  const { add } = list;
  list.add = (comments, fresh) => {
    newest = [...newest, ...comments.filter(({ id }) => !newest.some((known) => known.id === id))].slice(-FOLLOWING);
    add.call(list, comments, fresh);
  };
  const { remove } = list;
  list.remove = (id) => {
    newest = newest.filter((comment) => comment.id !== id);
    remove.call(list, id);
  };
  const numbers = () => {
    assert.deepEqual(rows.map(({ id }) => id), list.entries.map(({ id }) => id));
    return rows.map(({ id }) => Number(id));
  };
  return { list, rows, numbers };
}

const from = (/** @type {number} */ first, /** @type {number} */ count) => Array.from({ length: count }, (_, i) => comment(first + i));

test("200 are kept while following, 1,000 while reading; the newest are there again at the end", () => {
  const { list, numbers } = shown();
  list.add(from(0, 250));
  assert.deepEqual([numbers()[0], numbers().length], [50, FOLLOWING]);
  list.following = false;
  for (let i = 250; i < 3_000; i++) list.add([comment(i)]);
  assert.deepEqual([numbers()[0], numbers().length, list.unread], [50, READING, 2_750]);
  assert.equal(list.follow(), true);
  assert.deepEqual([numbers()[0], numbers().at(-1), numbers().length, list.unread], [2_800, 2_999, FOLLOWING, 0]);
});

test("earlier comments go on top, and what is beyond the bound comes back at the end", () => {
  const { list, numbers } = shown();
  list.add(from(2_000, 200));
  list.following = false;
  for (let page = 1; page <= 12; page++) list.addEarlier(from(2_000 - page * 100, 100), page < 12);
  assert.deepEqual([numbers()[0], numbers().at(-1), numbers().length], [800, 1_799, READING]);
  assert.equal(list.complete, true);
  list.add([comment(2_200)]);
  list.follow();
  assert.deepEqual([numbers()[0], numbers().at(-1)], [2_001, 2_200]);
  assert.equal(list.complete, false);
});

test("a comment that is gone does not come back, whatever order the news come in; restored it stands in its place", () => {
  const { list, numbers } = shown();
  list.remove(comment(2).id);
  list.add(from(1, 3));
  assert.deepEqual(numbers(), [1, 3]);
  list.restore(comment(2));
  list.restore(comment(2));
  assert.deepEqual(numbers(), [1, 2, 3]);
});

test("one's own comment is shown at once and becomes the kept one, whichever of stream and answer is first", () => {
  for (const streamFirst of [true, false]) {
    const { list, rows, numbers } = shown();
    list.add([comment(1)]);
    list.echo({ ...comment(0), id: "n1", nonce: "n1" });
    list.add([comment(2)]);
    assert.deepEqual(rows.map(({ sending }) => !!sending), [false, false, true]);
    const kept = comment(3, { nonce: "n1" });
    if (streamFirst) list.add([kept]);
    list.arrived("n1", kept);
    list.add([kept]);
    assert.deepEqual(numbers(), [1, 2, 3]);
    assert.ok(rows.every(({ sending }) => !sending));
  }
});

test("somebody else's comment with one's nonce is not one's own", () => {
  const { list, rows } = shown();
  list.echo({ ...comment(0), id: "n1", nonce: "n1" });
  list.add([comment(5, { nonce: "n1", user: { id: "eve", name: "Ada" } })]);
  assert.deepEqual(rows.map(({ user, sending }) => [user.id, !!sending]), [["eve", false], ["ada", true]]);
});

test("what was not sent stays, last, until it is sent or discarded", () => {
  const { list, rows } = shown();
  list.echo({ ...comment(0), id: "n1", nonce: "n1" });
  list.failed("n1", new Problem("no"));
  list.add(from(1, 300));
  list.replace(from(400, 2));
  assert.deepEqual(rows.map(({ id }) => id), [comment(400).id, comment(401).id, "n1"]);
  list.failed("n1");
  assert.equal(rows[2]?.sending, true);
  list.remove("n1");
  assert.equal(rows.length, 2);
});

test("who is muted is not seen, before or after", () => {
  const { list, numbers } = shown();
  const eve = { user: { id: "eve", name: "Eve" } };
  list.add([comment(1, eve), comment(2)]);
  list.mute("eve");
  list.add([comment(3, eve), comment(4)]);
  list.restore(comment(1, eve));
  assert.deepEqual(numbers(), [2, 4]);
});

test("whatever happens, no comment is there twice, kept ones are in order, and the bounds hold", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = chance(seed);
    const { list, rows, numbers } = shown();
    let next = 5_000;
    let first = 5_000;
    for (let step = 0; step < 250; step++) {
      const kind = random();
      if (kind < 0.45) {
        const count = Math.floor(random() ** 5 * 260);
        list.add(from(next, count));
        next += count;
      } else if (kind < 0.55 && list.following) list.add(list.entries.slice(-20)); // doubles
      else if (kind < 0.65) list.remove(comment(Math.floor(first + random() * (next - first))).id);
      else if (kind < 0.7) list.restore(comment(Math.floor(next - random() * 40)));
      else if (kind < 0.78) list.following = false;
      else if (kind < 0.84) list.follow();
      else if (kind < 0.94 && !list.following && list.reached) {
        first = Number(list.reached) - 100;
        list.addEarlier(from(first, 100), true);
      } else if (kind < 0.96) list.replace(from(next - 150, 150));
      else list.echo({ ...comment(0), id: `n${step}`, nonce: `n${step}` });
      const kept = numbers().filter((number) => !Number.isNaN(number));
      assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
      assert.deepEqual(kept, kept.toSorted((a, b) => a - b), `seed ${seed}, step ${step}`);
      assert.ok(rows.length <= (list.following ? FOLLOWING : READING + 20));
    }
  }
});

test("one's own comment that is kept before the stream is back stands where everybody has it", () => {
  const { list, numbers } = shown();
  list.add(from(0, 2));
  list.echo({ ...comment(9), id: "n1", nonce: "n1" });
  list.arrived("n1", comment(9));
  assert.deepEqual(numbers(), [0, 1, 9]);
  list.add(from(2, 3)); // what others had said by then
  assert.deepEqual(numbers(), [0, 1, 2, 3, 4, 9]);
  list.add([comment(9), comment(10)]);
  list.add([comment(11)]);
  assert.deepEqual(numbers(), [0, 1, 2, 3, 4, 9, 10, 11]);
});
