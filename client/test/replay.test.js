import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Backoff } from "../backoff.js";
import { PlayerClock } from "../clock.js";
import { Problem } from "../problem.js";
import { ReplayFeed } from "../replay.js";
import { advance, chance, comment, holdTime, recorded } from "./support.js";

/** @typedef {import("../windows.js").Placed} Placed */

beforeEach(holdTime);
afterEach(() => mock.timers.reset());

const LENGTH = 1_200; // seconds of video

/** @param {() => number} random @param {number} count @returns {Placed[]} */
function recording(random, count) {
  const offsets = Array.from({ length: count }, () => Math.round(random() * LENGTH * 1000) / 1000).sort((a, b) => a - b);
  return offsets.map((offset, number) => ({ ...comment(number), offset }));
}

/** A server that takes its time: what it is asked for, and what was called off. @param {Placed[]} comments */
function serverOf(comments, delay = () => 20, fails = () => false) {
  const asked = /** @type {number[]} */ ([]);
  const server = { asked, aborted: 0, pending: 0 };
  const api = {
    url: (/** @type {string} */ _, /** @type {string} */ rest) => rest,
    async call(/** @type {string} */ _method, /** @type {string} */ url, /** @type {{signal: AbortSignal}} */ { signal }) {
      const query = new URL(url, "http://unused.test").searchParams;
      const [start, limit, after] = [Number(query.get("start")), Number(query.get("limit")), Number(query.get("cursor") ?? 0)];
      assert.deepEqual([start % 180 || 0, query.get("duration")], [0, "180"]);
      asked.push(start);
      server.pending++;
      await new Promise((resolve, reject) => {
        setTimeout(resolve, delay());
        signal.addEventListener("abort", () => {
          server.aborted++;
          reject(signal.reason);
        });
      }).finally(() => server.pending--);
      if (fails()) throw new Problem("away", { status: 503 });
      const all = comments.filter(({ offset }) => offset >= start && offset < start + 180);
      const page = all.slice(after, after + limit);
      const more = after + limit < all.length;
      return { comments: page, has_more: more, next_cursor: more ? String(after + limit) : null };
    },
  };
  return Object.assign(server, { api: /** @type {any} */ (api) });
}

/** What somebody sees: the picture, and what came since. @param {ReplayFeed} feed @param {PlayerClock} clock */
function eyes(feed, clock) {
  const seen = { shown: /** @type {Placed[]} */ ([]), pictures: 0, late: 0 };
  feed.on("picture", (comments) => {
    seen.shown = comments;
    seen.pictures++;
  });
  feed.on("comments", ({ comments }) => {
    for (const { offset } of comments) {
      assert.ok(offset <= clock.currentTime + 0.001, `shown ${offset - clock.currentTime} s before its time`);
      seen.late = Math.max(seen.late, clock.currentTime - offset);
    }
    seen.shown = [...seen.shown, ...comments];
  });
  feed.on("gone", (id) => (seen.shown = seen.shown.filter((comment) => comment.id !== id)));
  return seen;
}

test("whatever the player does, what is shown is what had been said by then, each once and in order", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = chance(seed);
    const all = recording(random, Math.floor(50 + random() * 3_000));
    let away = false;
    const server = serverOf(all, () => random() * 400, () => away && random() < 0.7);
    const clock = new PlayerClock();
    const feed = new ReplayFeed(server.api, "demo", clock);
    const seen = eyes(feed, clock);
    feed.start();
    for (let step = 0; step < 60; step++) {
      const kind = random();
      if (kind < 0.25) clock.play();
      else if (kind < 0.35) clock.pause();
      else if (kind < 0.45) clock.playbackRate = [0.5, 1, 1.5, 2, 4][Math.floor(random() * 5)] ?? 1;
      else if (kind < 0.65) clock.currentTime = random() * LENGTH;
      else if (kind < 0.7) clock.currentTime = Math.max(clock.currentTime - 10, 0);
      else if (kind < 0.75) away = !away;
      if (clock.currentTime > LENGTH) clock.currentTime = 0;
      await advance(random() ** 2 * 20_000, 250);
    }
    away = false;
    clock.pause();
    await advance(20_000, 500);
    const time = clock.currentTime;
    const said = all.filter(({ offset }) => offset <= time && offset > -180).map(({ id }) => id);
    const shown = seen.shown.map(({ id }) => id);
    assert.equal(new Set(shown).size, shown.length, `seed ${seed}: a double`);
    assert.deepEqual(shown, said.slice(said.length - shown.length), `seed ${seed}: at ${time}`);
    const here = said.filter((id) => Number(id) >= all.findIndex(({ offset }) => offset >= Math.floor(time / 180) * 180));
    assert.ok(shown.length >= Math.min(here.length, 100), `seed ${seed}: ${shown.length} of ${here.length} at ${time}`);
    feed.stop();
  }
});

test("while playing, a comment is shown within 30 ms of its time, also across windows and at double speed", async () => {
  for (const rate of [1, 2]) {
    const all = recording(chance(7), 2_000);
    const server = serverOf(all, () => 300);
    const clock = new PlayerClock();
    clock.playbackRate = rate;
    const feed = new ReplayFeed(server.api, "demo", clock);
    const seen = eyes(feed, clock);
    feed.start();
    await advance(1_000, 10);
    clock.play();
    await advance(400_000 / rate, 10);
    assert.ok(seen.pictures <= 3); // none while the window comes; with it; with the one in front of it
    assert.equal(seen.shown.length, all.filter(({ offset }) => offset <= clock.currentTime).length);
    assert.ok(seen.late <= 0.03 * rate, `${seen.late} s late`);
    feed.stop();
  }
});

test("windows are there before they are needed", async () => {
  const server = serverOf(recording(chance(3), 100));
  const clock = new PlayerClock();
  const feed = new ReplayFeed(server.api, "demo", clock);
  feed.start();
  clock.currentTime = 200;
  clock.play();
  await advance(90_000, 500);
  assert.ok(!server.asked.includes(360));
  await advance(15_000, 500);
  assert.ok(server.asked.includes(360));
  feed.stop();
});

test("a seek calls off what is in flight and shows at once what is already here", async () => {
  const all = recording(chance(4), 1_000);
  let delay = 20;
  const server = serverOf(all, () => delay);
  const clock = new PlayerClock();
  const feed = new ReplayFeed(server.api, "demo", clock);
  const told = recorded(feed, "picture");
  clock.currentTime = 100;
  feed.start();
  await advance(1_000, 20);
  delay = 60_000;
  for (const place of [300, 500, 700, 900]) {
    clock.currentTime = place;
    await advance(100);
  }
  assert.ok(server.pending <= 3, `${server.pending} in flight`);
  assert.ok(server.aborted >= 3);
  told.length = 0;
  clock.currentTime = 60;
  const expected = all.filter(({ offset }) => offset <= 60).slice(-100);
  assert.deepEqual(told.map(([, { length }]) => length), [expected.length], "in the same moment");
  feed.stop();
});

test("what was not said yet at the place sought does not stay when the network is slow", async () => {
  const server = serverOf(recording(chance(5), 500));
  const clock = new PlayerClock();
  const feed = new ReplayFeed(server.api, "demo", clock);
  const seen = eyes(feed, clock);
  clock.currentTime = 1_000;
  feed.start();
  await advance(1_000, 20);
  assert.ok(seen.shown.length > 40);
  server.api.call = () => new Promise(() => {});
  clock.currentTime = 10;
  await advance(350, 10);
  assert.deepEqual(seen.shown, []);
  feed.stop();
});

test("where the window in front of its own can't be had, a picture has fewer comments rather than a hole", async () => {
  const all = recording(chance(10), 60);
  const server = serverOf(all);
  const { call } = server.api;
  let away = true;
  server.api.call = (/** @type {string} */ method, /** @type {string} */ url, /** @type {any} */ options) =>
    away && url.includes("start=180&") ? Promise.reject(new Problem("away", { status: 503 })) : call(method, url, options);
  const clock = new PlayerClock();
  const feed = new ReplayFeed(server.api, "demo", clock, { backoff: new Backoff(1_000, 15_000, () => 1) });
  const seen = eyes(feed, clock);
  const upTo = (/** @type {number} */ time, from = 0) => all.filter(({ offset }) => offset >= from && offset <= time).map(({ id }) => id);
  const shown = () => seen.shown.map(({ id }) => id);
  clock.currentTime = 170;
  feed.start();
  await advance(1_000, 50);
  assert.deepEqual(shown(), upTo(170));
  clock.currentTime = 480;
  await advance(1_000, 50);
  assert.deepEqual(shown(), upTo(480, 360));
  away = false;
  await advance(20_000, 100);
  assert.deepEqual(shown(), upTo(480));
  feed.stop();
});

test("a clock that stalls without a word shows nothing ahead; one that jumps without a word is followed", async () => {
  const all = recording(chance(6), 1_000);
  const server = serverOf(all);
  const clock = Object.assign(new EventTarget(), { currentTime: 10, paused: false, playbackRate: 1 });
  const feed = new ReplayFeed(server.api, "demo", clock);
  const told = recorded(feed, "picture", "comments");
  feed.start();
  await advance(10_000, 50);
  assert.ok(told.every(([type]) => type === "picture"));
  clock.currentTime = 800;
  await advance(1_000, 50);
  const last = told.at(-1)?.[1];
  assert.equal(last.at(-1).id, all.filter(({ offset }) => offset <= 800).at(-1)?.id);
  feed.stop();
});

for (const [place, where] of /** @type {const} */ ([[100, ""], [250, ", also one of the window in front"]])) {
  test(`a comment deleted meanwhile goes within 31 seconds${where}`, async () => {
    const all = recording(chance(8), 300);
    const server = serverOf(all);
    const clock = new PlayerClock();
    const feed = new ReplayFeed(server.api, "demo", clock);
    const seen = eyes(feed, clock);
    clock.currentTime = place;
    feed.start();
    clock.play();
    await advance(1_000, 50);
    const victim = /** @type {Placed} */ (seen.shown.findLast(({ offset }) => offset < 180));
    all.splice(all.indexOf(victim), 1);
    await advance(31_000, 50);
    assert.ok(!seen.shown.some(({ id }) => id === victim.id));
    feed.stop();
  });
}

test("a server that is away is asked again, less and less often, and then it goes on", async () => {
  let away = true;
  const server = serverOf(recording(chance(9), 300), () => 5, () => away);
  const clock = new PlayerClock();
  const feed = new ReplayFeed(server.api, "demo", clock);
  const states = recorded(feed, "state");
  const seen = eyes(feed, clock);
  clock.currentTime = 500;
  feed.start();
  await advance(60_000, 100);
  assert.ok(server.asked.length < 30, `${server.asked.length} requests in a minute`);
  assert.equal(states.at(-1)?.[1].state, "offline");
  away = false;
  await advance(20_000, 100);
  assert.equal(feed.state.state, "live");
  assert.ok(seen.shown.length > 0);
  feed.stop();
});
