// A replay under whatever a player, its viewer, moderators and caches do, held against a model.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import fc from "fast-check";
import { ReplayFeed } from "../replay.js";
import { Problem } from "../problem.js";
import { advance, chance, comment, faults, holdTime, runs } from "./support.js";

/** @typedef {import("../windows.js").Placed} Placed */

const LENGTH = 900; // seconds of video
const PICTURE = 100;
const SETTLED = 140_000; // ms: caches keep 30 s, a look every 30 s, what has gone stays away for 35 s

/** A player that may also stand still, or jump, without a word. */
class Player extends EventTarget {
  paused = true;
  playbackRate = 1;
  stalled = false;
  #at = 0;
  #told = Date.now();

  get currentTime() {
    const runs = !this.paused && !this.stalled;
    return Math.min(this.#at + (runs ? ((Date.now() - this.#told) / 1000) * this.playbackRate : 0), LENGTH);
  }

  /** @param {() => void} change @param {...string} signs */
  #change(change, ...signs) {
    this.#at = this.currentTime;
    this.#told = Date.now();
    change();
    for (const sign of signs) this.dispatchEvent(new Event(sign));
  }

  play() {
    this.#change(() => (this.paused = false), "play", "playing");
  }

  pause() {
    this.#change(() => (this.paused = true), "pause");
  }

  /** @param {boolean} stalled @param {boolean} tells */
  stall(stalled, tells) {
    this.#change(() => (this.stalled = stalled), ...(tells ? [stalled ? "waiting" : "playing"] : []));
  }

  /** @param {number} rate */
  speed(rate) {
    this.#change(() => (this.playbackRate = rate), "ratechange");
  }

  /** @param {number} to @param {boolean} tells */
  seek(to, tells) {
    this.#change(() => (this.#at = to), ...(tells ? ["seeking", "seeked"] : []));
  }
}

/** A server behind a cache that keeps each answer for 30 s. */
class Server {
  away = false;
  /** @type {Map<string, {at: number, answer: any}>} */
  #cache = new Map();

  /** @param {Placed[]} all @param {() => number} random */
  constructor(all, random) {
    this.visible = new Map(all.map((one) => [one.id, one]));
    this.random = random;
  }

  url = (/** @type {string} */ _, /** @type {string} */ rest) => rest;

  /** @param {string} _ @param {string} url @param {{signal: AbortSignal}} options */
  async call(_, url, { signal }) {
    await new Promise((resolve, reject) => {
      setTimeout(resolve, this.random() * 600);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    if (this.away) throw new Problem("away", { status: 503 });
    const kept = this.#cache.get(url);
    if (kept && Date.now() - kept.at < 30_000) return structuredClone(kept.answer);
    const query = new URL(url, "http://unused.test").searchParams;
    const [start, limit, cursor] = [Number(query.get("start")), Number(query.get("limit")), query.get("cursor") ?? ""];
    const window = [...this.visible.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .filter(({ id, offset }) => offset >= start && offset < start + 180 && id > cursor);
    const comments = window.slice(0, limit);
    const more = window.length > limit;
    const answer = { comments, has_more: more, next_cursor: more ? comments.at(-1)?.id : null };
    this.#cache.set(url, { at: Date.now(), answer });
    return structuredClone(answer);
  }
}

/** What is on the page, held to the rules at each thing that it is told. @param {ReplayFeed} feed @param {Player} player */
function page(feed, player) {
  const rules = faults();
  const seen = { check: rules.check, shown: /** @type {Placed[]} */ ([]) };
  const inOrder = () => assert.deepEqual(seen.shown.map(({ id }) => id), [...new Set(seen.shown.map(({ id }) => id))].sort(), "each once, in order");
  const due = (/** @type {Placed[]} */ comments) => {
    for (const { offset } of comments) assert.ok(offset <= player.currentTime + 0.002, `${offset - player.currentTime} s early`);
  };
  feed
    .on("picture", rules.kept((comments) => {
      seen.shown = comments;
      due(comments);
      inOrder();
    }))
    .on("comments", rules.kept(({ comments }) => {
      seen.shown = [...seen.shown, ...comments];
      due(comments);
      inOrder();
    }))
    .on("gone", (id) => (seen.shown = seen.shown.filter((one) => one.id !== id)))
    .on("back", rules.kept((comment) => {
      due([comment]);
      const first = seen.shown[0];
      if (first && first.id > comment.id && seen.shown.length >= PICTURE) return; // as CommentList has it: it is among the earlier ones
      seen.shown = [...seen.shown, comment].sort((a, b) => (a.id < b.id ? -1 : 1));
      inOrder();
    }));
  return seen;
}

const place = fc.double({ min: 0, max: LENGTH, noNaN: true });
const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.integer({ min: 10, max: 20_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("play") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pause") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("speed"), rate: fc.constantFrom(0.5, 1, 1.5, 2, 4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("seek"), to: place, tells: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stall"), on: fc.boolean(), tells: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete"), which: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hide by hand"), which: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("away"), away: fc.boolean() }) },
);

test("after any sequence of play, pause, seek, stall, deletion and outage what is shown is the model: never early, lost or double", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom(5, 300, 4_000), fc.array(STEP, { minLength: 5, maxLength: 40 }), async (seed, count, steps) => {
      holdTime();
      const random = chance(seed);
      const offsets = Array.from({ length: count }, () => Math.round(random() * LENGTH * 1000) / 1000).sort((a, b) => a - b);
      const all = offsets.map((offset, number) => ({ ...comment(number), offset }));
      const server = new Server(all, random);
      const player = new Player();
      const feed = new ReplayFeed(/** @type {any} */ (server), "demo", player);
      const seen = page(feed, player);
      /** @type {Placed[]} */
      const hidden = [];
      try {
        feed.start();
        for (const step of /** @type {any[]} */ (steps)) {
          const victim = () => /** @type {Placed} */ (all[Math.floor(step.which * (all.length - 1))]);
          if (step.do === "wait") await advance(step.ms, 250);
          else if (step.do === "play") player.play();
          else if (step.do === "pause") player.pause();
          else if (step.do === "speed") player.speed(step.rate);
          else if (step.do === "seek") player.seek(step.to, step.tells);
          else if (step.do === "stall") player.stall(step.on, step.tells);
          else if (step.do === "away") server.away = step.away;
          else if (step.do === "restore") {
            const one = hidden.pop();
            if (one) server.visible.set(one.id, one);
          } else {
            if (server.visible.delete(victim().id)) hidden.push(victim());
            if (step.do === "hide by hand") feed.drop(victim().id);
          }
        }
        server.away = false;
        player.stall(false, true);
        player.pause();
        await advance(SETTLED, 500);
        seen.check();
        const time = player.currentTime;
        const past = [...server.visible.values()].filter(({ offset }) => offset <= time);
        const said = past.map(({ id }) => id).sort();
        const shown = seen.shown.map(({ id }) => id);
        assert.deepEqual(shown, said.slice(said.length - shown.length), `at ${time}`);
        const start = Math.floor(time / 180) * 180;
        const here = past.filter(({ offset }) => offset >= start).length;
        // Of a picture of a hundred some may have gone since.
        assert.ok(shown.length >= Math.min(here, PICTURE - steps.length), `${shown.length} of ${here} at ${time}`);
        assert.equal(feed.state.state, "live");
      } finally {
        feed.stop();
        mock.timers.reset();
      }
    }),
    { numRuns: runs(40) },
  );
});

test("while a player plays undisturbed, each comment is shown within 30 ms of its time, however fast and dense", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom(200, 3_000), fc.constantFrom(0.5, 1, 2), place, async (seed, count, rate, from) => {
      holdTime();
      const random = chance(seed);
      const offsets = Array.from({ length: count }, () => Math.round(random() * LENGTH * 1000) / 1000).sort((a, b) => a - b);
      const server = new Server(offsets.map((offset, number) => ({ ...comment(number), offset })), random);
      const player = new Player();
      const feed = new ReplayFeed(/** @type {any} */ (server), "demo", player);
      const seen = page(feed, player);
      let late = 0;
      feed.on("comments", ({ comments }) => {
        for (const { offset } of comments) late = Math.max(late, player.currentTime - offset);
      });
      try {
        player.seek(from, false);
        player.speed(rate);
        feed.start();
        await advance(3_000, 100);
        player.play();
        await advance(15_000, 10);
        seen.check();
        const time = player.currentTime;
        assert.ok(late <= 0.03 * rate + 0.001, `${late} s late`);
        const between = offsets.filter((offset) => offset > from && offset <= time - 0.03 * rate).length;
        assert.ok(seen.shown.filter(({ offset }) => offset > from).length >= between, "none left out");
      } finally {
        feed.stop();
        mock.timers.reset();
      }
    }),
    { numRuns: runs(10) },
  );
});
