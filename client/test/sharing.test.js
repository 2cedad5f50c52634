import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Emitter } from "../emitter.js";
import { LiveFeed } from "../live.js";
import { SharedSession } from "../sharing.js";
import { comment, recorded } from "./support.js";

/** Stands for the stream of one tab: the test says what comes on it. */
class Stream extends Emitter {
  place = "";
  /** @type {import("../model.js").State} */
  state = { state: "connecting" };
  starts = 0;
  open = false;
  start() {
    this.starts++;
    this.open = true;
  }
  stop() {
    this.open = false;
  }
  nudge() {}

  /** @param {string} place @param {string} name @param {any} data */
  bring(place, name, data, earlier = false) {
    this.place = place;
    this.emit("event", { name, data, earlier });
  }
}

let rooms = 0;
/** @type {SharedSession[]} */
const everybody = [];
afterEach(() => everybody.splice(0).forEach((tab) => tab.stop()));

/** Tabs of one origin: each with its own stream, all with one name. */
function tabs() {
  const name = `room ${rooms++}`;
  /** @type {{tab: SharedSession, stream: Stream, seen: () => number[], close: () => void}[]} */
  const open = [];
  return {
    open() {
      const stream = new Stream();
      const tab = new SharedSession(name, /** @type {any} */ (stream));
      const told = recorded(tab, "event");
      /** @type {number[]} */
      const seen = [];
      const feed = new LiveFeed(tab);
      feed.on("picture", () => (seen.length = 0));
      feed.on("comments", ({ comments }) => seen.push(...comments.map((/** @type {{id: string}} */ { id }) => Number(id))));
      everybody.push(tab);
      tab.start();
      const made = { tab, stream, told, seen: () => seen, close: () => tab.stop() };
      open.push(made);
      return made;
    },
    all: open,
    leaders: () => open.filter(({ stream }) => stream.open),
  };
}

/** @param {() => boolean} holds @param {string} what */
async function until(holds, what) {
  for (let i = 0; i < 500; i++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`not so within 5 s: ${what}`);
}

const same = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a.join() === b.join();

test("seven tabs have one stream, and all see what comes on it", async () => {
  const room = tabs();
  for (let i = 0; i < 7; i++) room.open();
  await until(() => room.leaders().length === 1, "one leader");
  const [leader] = room.leaders();
  leader?.stream.bring("p0", "welcome", { position: "p0", resumed: false, pins: [] });
  for (let i = 1; i <= 50; i++) leader?.stream.bring(`p${i}`, "comments", [comment(i)]);
  const all = Array.from({ length: 50 }, (_, i) => i + 1);
  await until(() => room.all.every(({ seen }) => same(seen(), all)), "everybody has all, in order");
  assert.equal(room.all.reduce((sum, { stream }) => sum + stream.starts, 0), 1);
});

test("who comes later gets the picture that is there", async () => {
  const room = tabs();
  const first = room.open();
  await until(() => first.stream.open, "a leader");
  first.stream.bring("p0", "welcome", { position: "p0", pins: [comment(1)], state: "live" });
  first.stream.bring("p2", "comments", [comment(1), comment(2)]);
  first.stream.bring("p3", "comment_deleted", { id: comment(1).id });
  first.stream.state = { state: "live" };
  const second = room.open();
  await until(() => same(second.seen(), [2]), "the picture");
  assert.equal(second.tab.state.state, "live");
  assert.equal(second.stream.open, false);
});

test("when the leading tab closes the next goes on from the place that was reached", async () => {
  const room = tabs();
  const first = room.open();
  await until(() => first.stream.open, "a leader");
  first.stream.bring("p0", "welcome", { position: "p0", resumed: false, pins: [] });
  const second = room.open();
  const third = room.open();
  await until(() => second.tab.state !== undefined && third.told.length > 0 && second.told.length > 0, "the others are in");
  first.stream.bring("p1", "comments", [comment(1)]);
  await until(() => same(second.seen(), [1]) && same(third.seen(), [1]), "1 everywhere");
  first.close();
  await until(() => room.leaders().length === 1, "a new leader");
  const heir = room.leaders()[0];
  const other = heir === second ? third : second;
  assert.equal(heir?.stream.place, "p1");
  heir?.stream.bring("p1", "welcome", { position: "p3", resumed: true, pins: [] });
  heir?.stream.bring("p3", "comments", [comment(1), comment(2), comment(3)]);
  await until(() => same(heir?.seen() ?? [], [1, 2, 3]) && same(other.seen(), [1, 2, 3]), "no double, no hole");
});

test("a tab that missed something asks for it; when it is too much it begins anew", async () => {
  const room = tabs();
  const first = room.open();
  await until(() => first.stream.open, "a leader");
  first.stream.bring("p0", "welcome", { position: "p0", resumed: false, pins: [] });
  const second = room.open();
  await until(() => second.told.length > 0, "the second is in");
  first.stream.bring("p1", "comments", [comment(1)]);
  await until(() => same(second.seen(), [1]), "1");

  const deaf = /** @type {any} */ (second.tab);
  second.tab.stop();
  first.stream.bring("p2", "comments", [comment(2)]);
  first.stream.bring("p3", "comments", [comment(3)]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  deaf.start();
  await until(() => same(second.seen(), [1, 2, 3]), "what was missed, once");

  second.tab.stop();
  for (let i = 4; i < 304; i++) first.stream.bring(`p${i}`, "comments", [comment(i)]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  second.tab.start();
  await until(() => second.seen()[0] === 104 && second.seen().length === 200, "the newest, after a reset");
});

test("a leader that does not answer is deposed", async () => {
  const room = tabs();
  const stopped = room.open();
  await until(() => stopped.stream.open, "a leader");
  // As if its process were stopped: it holds the lock and neither hears nor says anything.
  const { name } = stopped.tab;
  stopped.tab.stop();
  const held = navigator.locks.request(name, () => new Promise(() => {}));
  const robbed = assert.rejects(held, { name: "AbortError" });
  const second = room.open();
  await until(() => second.stream.open, "the second leads");
  await robbed;
});
