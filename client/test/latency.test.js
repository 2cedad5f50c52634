import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Emitter } from "../emitter.js";
import { Delay, momentSeen } from "../latency.js";
import { LiveFeed } from "../live.js";
import { advance, chance, comment, holdTime, recorded } from "./support.js";

beforeEach(holdTime);
afterEach(() => mock.timers.reset());

test("whatever the player does, nothing is shown before its moment, and all in order within half a second of it", async () => {
  for (let seed = 0; seed < 25; seed++) {
    const random = chance(seed);
    const skew = Math.round((random() - 0.5) * 200_000); // ms that this page's clock is wrong
    const server = () => Date.now() - skew;
    // A player that plays, stalls and is moved closer to the live edge again: its place is the moment on screen.
    let seen = server() - 5_000 - random() * 20_000;
    let playing = true;
    /** @type {number[]} */
    const shown = [];
    /** @type {import("../model.js").Comment[]} */
    const made = [];
    const due = () => made.filter(({ created_at }) => created_at <= seen - 500).map(({ id }) => Number(id));
    const delay = new Delay(
      () => (server() - seen) / 1000,
      (comments) => {
        for (const { id, created_at } of comments) {
          assert.ok(created_at <= seen + 1, `seed ${seed}: comment ${id} spoils ${created_at - seen} ms`);
          shown.push(Number(id));
        }
      },
    );
    let number = 0;
    for (let step = 0; step < 600; step++) {
      if (random() < 0.02) playing = !playing;
      if (random() < 0.01) seen = Math.max(seen, server() - 4_000);
      if (playing) seen += 50;
      if (random() < 0.3) {
        made.push(comment(number++, { created_at: server() }));
        delay.add(made.slice(-1), false);
      }
      await advance(50);
    }
    assert.deepEqual(shown, shown.toSorted((a, b) => a - b));
    const missing = due().filter((id) => !shown.includes(id));
    assert.ok(!playing || missing.length === 0, `seed ${seed}: not shown though seen: ${missing}`);
    delay.clear();
  }
});

test("without latency a comment is shown in the moment that it comes, however wrong the clock", () => {
  for (const skew of [-3_600_000, 0, 3_600_000]) {
    /** @type {string[]} */
    const shown = [];
    const delay = new Delay(0, (comments) => shown.push(...comments.map(({ id }) => id)));
    delay.add([comment(1, { created_at: Date.now() + skew })], false);
    assert.deepEqual(shown, [comment(1).id]);
  }
});

test("a comment that is deleted while it waits is never shown", async () => {
  /** @type {string[]} */
  const shown = [];
  const delay = new Delay(5, (comments) => shown.push(...comments.map(({ id }) => id)));
  delay.add([comment(1), comment(2)], false);
  delay.drop(comment(1).id);
  await advance(6_000, 100);
  assert.deepEqual(shown, [comment(2).id]);
});

test("the programme date-time of a media element needs no clock of this page", () => {
  const start = new Date(1_700_000_000_000);
  const media = /** @type {any} */ ({ getStartDate: () => start, currentTime: 12.5 });
  assert.equal(momentSeen(media, 99_999), 1_700_000_012_500);
  const unknown = /** @type {any} */ ({ getStartDate: () => new Date(NaN), currentTime: 12.5 });
  assert.equal(momentSeen(unknown, 0), Date.now());
});

test("what is restored after the player went back waits for its moment, and then stands at its place", async () => {
  let latency = 0;
  const session = Object.assign(new Emitter(), { state: { state: "live" }, start() {}, stop() {}, nudge() {} });
  const feed = new LiveFeed(/** @type {any} */ (session), () => latency);
  const told = recorded(feed, "comments", "gone", "back");
  const [one, two] = [comment(1), comment(2)];
  session.emit("event", { name: "comments", data: [one, two] });
  session.emit("event", { name: "comment_hidden", data: { id: one.id } });
  await advance(3_000, 100);
  latency = 5;
  session.emit("event", { name: "comment_restored", data: one });
  await advance(1_000, 100);
  assert.deepEqual(told.map(([type]) => type), ["comments", "gone"]);
  await advance(2_000, 100);
  assert.deepEqual(told.slice(2), [["back", one]]);
  feed.stop();
});
