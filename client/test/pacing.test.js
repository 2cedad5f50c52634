import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Pacer } from "../pacing.js";
import { advance, chance, comment, holdTime } from "./support.js";

beforeEach(holdTime);
afterEach(() => mock.timers.reset());

test("the comments of a tick flow over the time to the next, and none waits longer", async () => {
  /** @type {number[]} */
  const at = [];
  const pacer = new Pacer((comments) => comments.forEach(() => at.push(Date.now())));
  const began = Date.now();
  for (let tick = 0; tick < 20; tick++) {
    pacer.add(Array.from({ length: 10 }, (_, i) => comment(tick * 10 + i)));
    await advance(1_000, 10);
  }
  assert.equal(at.length, 200);
  const last = at.slice(-10).map((time) => time - began - 19_000);
  assert.ok(Math.max(...last) <= 1_000 && Math.max(...last) >= 700, `the last tick's went out ${last}`);
  const gaps = last.slice(1).map((time, i) => time - (last[i] ?? 0));
  assert.ok(Math.max(...gaps) <= 200, `evenly: ${gaps}`);
});

test("a busy feed changes the list some twelve times a second, a calm one for each comment", async () => {
  for (const [rate, most, isCalm] of /** @type {const} */ ([[50, 15, false], [8, 9, true]])) {
    /** @type {[number, boolean][]} */
    const changes = [];
    const pacer = new Pacer((comments, _, calm) => changes.push([comments.length, calm]));
    for (let number = 0; number < 3 * rate; number++) {
      pacer.add([comment(number)]);
      await advance(1_000 / rate, 5);
    }
    await advance(200, 5);
    assert.equal(changes.reduce((sum, [count]) => sum + count, 0), 3 * rate);
    assert.ok(changes.length <= 3 * most, `${changes.length} changes in 3 s`);
    assert.ok(changes.slice(5).every(([, calm]) => calm === isCalm), `at ${rate}/s`);
  }
});

test("what comes after a pause is shown at once", () => {
  let shown = 0;
  const pacer = new Pacer((comments) => (shown += comments.length));
  pacer.add([comment(1)]);
  assert.equal(shown, 1);
});

test("a flood is shown once a frame, all of it, in order, with what was said before told apart", async () => {
  /** @type {[number, boolean, number[]][]} */
  const shown = [];
  const began = Date.now();
  const pacer = new Pacer((comments, earlier) => shown.push([Date.now() - began, earlier, comments.map(({ id }) => Number(id))]));
  for (let batch = 0; batch < 100; batch++) {
    pacer.add(Array.from({ length: 100 }, (_, i) => comment(batch * 100 + i)), batch >= 10 && batch < 90);
  }
  await advance(100, 1);
  const times = [...new Set(shown.map(([at]) => at))];
  assert.ok(times.length <= 2, `shown at ${times}`);
  assert.deepEqual(shown.flatMap(([, , ids]) => ids), Array.from({ length: 10_000 }, (_, i) => i));
  const earlier = shown.filter(([, earlier]) => earlier).flatMap(([, , ids]) => ids);
  assert.deepEqual([earlier.length, earlier[0], earlier.at(-1)], [8_000, 1_000, 8_999]);
});

test("whatever comes when, the order stays, all are shown and none twice", async () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = chance(seed);
    /** @type {number[]} */
    const shown = [];
    const pacer = new Pacer((comments) => shown.push(...comments.map(({ id }) => Number(id))));
    let number = 0;
    for (let i = 0; i < 60; i++) {
      const count = Math.floor(random() ** 4 * 90);
      if (count) pacer.add(Array.from({ length: count }, () => comment(number++)));
      if (random() < 0.05) pacer.flush();
      await advance(Math.floor(random() * 400));
    }
    await advance(2_000);
    assert.deepEqual(shown, Array.from({ length: number }, (_, i) => i));
  }
});
