import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Api } from "../api.js";
import { Backoff } from "../backoff.js";
import { LiveFeed } from "../live.js";
import { Problem } from "../problem.js";
import { Session } from "../session.js";
import { Tokens } from "../tokens.js";
import { advance, comment, holdTime, recorded, settled } from "./support.js";

/** @typedef {import("../transports.js").Line} Line */

beforeEach(holdTime);
afterEach(() => mock.timers.reset());

/** One connection after the other, held by the test. */
class Lines {
  /** @type {(Line & {kind: string, end: (reason?: string) => void, fail: (error: Error) => void})[]} */
  all = [];

  get last() {
    return /** @type {this["all"][number]} */ (this.all.at(-1));
  }

  /** @param {string} kind @returns {import("../transports.js").Transport} */
  transport(kind) {
    return (line) =>
      new Promise((resolve, reject) => {
        this.all.push({ ...line, kind, end: (reason = "the connection ended") => resolve(reason), fail: reject });
        line.signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
  }
}

/** @param {string} id @param {object} [more] @returns {import("../model.js").WireEvent} */
function welcome(id, more = {}) {
  return { name: "welcome", data: { position: id, resumed: false, pins: [], ...more }, id };
}

/** @param {Tokens} [tokens] */
function begin(tokens) {
  const lines = new Lines();
  const session = new Session(new Api("http://unused.test", tokens), "demo", {
    stream: lines.transport("stream"),
    poll: lines.transport("poll"),
    backoff: new Backoff(1_000, 30_000, () => 0.5),
  });
  const told = recorded(session, "event", "state", "error");
  const feed = new LiveFeed(session);
  /** @type {string[]} */
  const texts = [];
  feed.on("comments", ({ comments }) => texts.push(...comments.map((/** @type {{text: string}} */ { text }) => text)));
  session.start();
  return { lines, session, told, texts: () => texts, states: () => told.filter(([type]) => type === "state").map(([, { state }]) => state) };
}

test("what was missed is asked for from the place that was reached, and doubles are dropped", async () => {
  const { lines, session, texts } = begin();
  await settled();
  lines.last.take(welcome("p0"));
  lines.last.take({ name: "comment_batch", data: [comment(1), comment(2)], id: "p2" });
  lines.last.end();
  await advance(5_000);

  assert.equal(lines.all.length, 2);
  assert.equal(lines.last.place, "p2");
  lines.last.take(welcome("p2", { resumed: true, position: "p4" }));
  assert.equal(session.state.state, "behind");
  lines.last.take({ name: "comment_batch", data: [comment(2), comment(3)], id: "p3" });
  lines.last.take({ name: "comment", data: comment(4), id: "p4" });
  assert.equal(session.state.state, "live");
  assert.deepEqual(texts(), ["says 1", "says 2", "says 3", "says 4"]);
  session.stop();
});

test("after reset what is known counts no more", async () => {
  const { lines, session, texts } = begin();
  await settled();
  lines.last.take(welcome("p0"));
  lines.last.take({ name: "comment", data: comment(1), id: "p1" });
  lines.last.take({ name: "reset", data: { reason: "too_slow", pins: [] } });
  lines.last.take({ name: "comment", data: comment(1), id: "p1" });
  assert.deepEqual(texts(), ["says 1", "says 1"]);
  session.stop();
});

test("a stream cut before it had a place begins with a reset of our own", async () => {
  const { lines, session, told } = begin();
  await settled();
  lines.last.take(welcome("", { position: "p9" }));
  lines.last.take({ name: "comment", data: comment(1) });
  lines.last.end();
  await advance(5_000);
  lines.last.take(welcome("", { position: "p9" }));
  assert.deepEqual(told.filter(([type]) => type === "event").map(([, { name }]) => name), ["welcome", "comments", "reset", "welcome"]);
  session.stop();
});

test("silence longer than three heartbeats is a dead connection", async () => {
  const { lines, session } = begin();
  await settled();
  lines.last.take(welcome("p0"));
  for (let i = 0; i < 10; i++) {
    lines.last.alive();
    await advance(15_000, 1_000);
  }
  assert.equal(lines.all.length, 1);
  await advance(33_000, 1_000);
  assert.equal(lines.all.length, 2);
  session.stop();
});

test("waits grow, and keep to what the server asks for", async () => {
  const { lines, session, told } = begin();
  for (let i = 0; i < 4; i++) {
    await settled();
    lines.last.fail(new Problem("away", { status: 503, code: "unavailable", ...(i === 3 && { retryAfter: 60_000 }) }));
    await settled();
    await advance(session.state.wait ?? 0);
  }
  const waits = told.flatMap(([type, { wait }]) => (type === "state" && wait ? [wait] : []));
  assert.deepEqual(waits, [1_250, 2_250, 4_500, 63_000]);
  session.stop();
});

test("a stream that is held back gives way to polls, for a minute and then for two", async () => {
  const { lines, session } = begin();
  await advance(7_000, 1_000);
  assert.deepEqual(lines.all.map(({ kind }) => kind), ["stream", "poll"]);
  lines.last.take(welcome("p1"));
  lines.last.take({ name: "", data: undefined, id: "p1" });
  assert.equal(session.state.state, "live");
  for (let second = 0; second < 61; second++) {
    lines.last.alive();
    await advance(1_000);
  }
  assert.equal(lines.last.kind, "stream");
  assert.equal(lines.last.place, "p1");
  await advance(7_000, 1_000);
  assert.equal(lines.last.kind, "poll");
  lines.last.take({ name: "", data: undefined, id: "p1" });
  for (let second = 0; second < 121; second++) {
    lines.last.alive();
    await advance(1_000);
  }
  assert.equal(lines.last.kind, "stream");
  lines.last.take(welcome("p1", { resumed: true }));
  await advance(30_000);
  assert.equal(lines.all.length, 5);
  session.stop();
});

test("after a restart of the server the stream is back at once, though a poll was the first to get through", async () => {
  const { lines, session } = begin();
  await settled();
  lines.last.take(welcome("p0"));
  lines.last.end();
  await advance(10_000);
  lines.last.fail(new Problem("refused"));
  await advance(10_000);
  assert.equal(lines.last.kind, "poll");
  assert.equal(lines.last.once, true);
  lines.last.take({ name: "", data: undefined, id: "p0" });
  lines.last.end();
  await settled();
  assert.equal(lines.last.kind, "stream");
  lines.last.take(welcome("p0", { resumed: true }));
  assert.equal(session.state.state, "live");
  session.stop();
});

test("a stream that is refused while polls get through gives way to them", async () => {
  const { lines, session } = begin();
  await settled();
  lines.last.fail(new Problem("blocked", { status: 502 }));
  await advance(10_000);
  lines.last.take(welcome("p1"));
  lines.last.end();
  await settled();
  lines.last.fail(new Problem("blocked", { status: 502 }));
  await settled();
  assert.deepEqual(lines.all.map(({ kind, once }) => [kind, !!once]), [["stream", false], ["poll", true], ["stream", false], ["poll", false]]);
  session.stop();
});

test("what trying again can't help ends it, with the reason; start begins again", async () => {
  const { lines, session, told, states } = begin();
  await settled();
  lines.last.fail(new Problem("not for you", { status: 403, code: "missing_scope" }));
  await advance(600_000);
  assert.equal(lines.all.length, 1);
  assert.deepEqual(states(), ["offline"]);
  assert.equal(told.at(-1)?.[1].code, "missing_scope");
  session.start();
  await settled();
  assert.equal(lines.all.length, 2);
  session.stop();
});

test("a token that has run out is asked for anew, at once", async () => {
  /** @type {boolean[]} */
  const asked = [];
  const tokens = new Tokens((renew) => {
    asked.push(renew);
    return "token";
  });
  const { lines, session } = begin(tokens);
  await tokens.current();
  await settled();
  lines.last.take(welcome("p0"));
  lines.last.take({ name: "reconnect", data: { reason: "token_expired" }, retry: 4_000 });
  await advance(200);
  assert.equal(lines.all.length, 2);
  await tokens.current();
  assert.deepEqual(asked, [false, true]);
  session.stop();
});

test("a server that sends away is joined again after the time it names", async () => {
  const { lines, session } = begin();
  await settled();
  lines.last.take({ name: "reconnect", data: { reason: "full" }, retry: 20_000 });
  await settled();
  assert.equal(session.state.reason, "full");
  await advance(19_000);
  assert.equal(lines.all.length, 1);
  await advance(11_000);
  assert.deepEqual(lines.all.map(({ kind }) => kind), ["stream", "stream"]);
  session.stop();
});

test("a nudge ends the wait", async () => {
  const { lines, session } = begin();
  await settled();
  lines.last.fail(new Problem("away", { status: 503, retryAfter: 100_000 }));
  await settled();
  session.nudge();
  await settled();
  assert.equal(lines.all.length, 2);
  session.stop();
});
