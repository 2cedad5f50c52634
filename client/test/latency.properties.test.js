// Live comments in step with a player, under whatever it, moderators and the network do, held against a model.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import fc from "fast-check";
import { Emitter } from "../emitter.js";
import { LiveFeed } from "../live.js";
import { advance, comment, faults, holdTime, runs } from "./support.js";

/** @typedef {import("../model.js").Comment} Comment */

const LOOK = 250; // ms between two looks at the player

const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.integer({ min: 10, max: 8_000 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("post"), count: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stall") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("play") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("to the edge") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("back"), by: fc.integer({ min: 1, max: 20_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hide"), back: fc.integer({ min: 0, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("restore") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pin"), back: fc.integer({ min: 0, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("repeat"), back: fc.integer({ min: 1, max: 60 }) }) },
);

test("after any sequence of stall, seek, deletion and repetition nothing is early, lost or double, however wrong the clock", async () => {
  const skews = fc.constantFrom(0, -90_000, 90_000, -3_600_000, 3_600_000);
  await fc.assert(
    fc.asyncProperty(skews, fc.integer({ min: 0, max: 25_000 }), fc.array(STEP, { minLength: 3, maxLength: 60 }), async (skew, behind, steps) => {
      holdTime();
      const stage = () => Date.now() - skew; // the right time
      // The moment on screen: it follows the stage unless the player stalls.
      const player = { seen: stage() - behind, at: stage(), plays: true };
      const tick = () => {
        const now = stage();
        if (player.plays) player.seen += now - player.at;
        player.at = now;
        return player.seen;
      };
      const session = Object.assign(new Emitter(), { state: { state: "live" }, start() {}, stop() {}, nudge() {} });
      const feed = new LiveFeed(/** @type {any} */ (session), () => (stage() - tick()) / 1000);
      const tell = (/** @type {string} */ name, /** @type {any} */ data) => session.emit("event", { name, data });
      /** @type {Comment[]} */
      const made = [];
      /** @type {Map<string, Comment>} */
      const hidden = new Map();
      /** @type {string[]} */
      let shown = [];
      const due = (/** @type {Comment} */ { id, created_at }) => assert.ok(created_at <= tick() + 1, `${id} spoils ${created_at - tick()} ms`);
      const rules = faults();
      feed
        .on("comments", rules.kept(({ comments }) => {
          for (const one of comments) {
            due(one);
            assert.ok(!shown.includes(one.id), `${one.id} twice`);
            assert.ok(!hidden.has(one.id), `${one.id} is hidden`);
            shown.push(one.id);
          }
          assert.deepEqual(shown, shown.toSorted(), "in order");
        }))
        .on("gone", (id) => (shown = shown.filter((one) => one !== id)))
        .on("back", rules.kept((one) => {
          due(one);
          if (!shown.includes(one.id)) shown = [...shown, one.id].sort();
        }))
        .on("pins", rules.kept((pins) => pins.forEach(due)));
      try {
        tell("welcome", { state: "live", pins: [] });
        // One comment tells how the clocks differ.
        made.push(comment(made.length, { created_at: stage() }));
        tell("comments", made.slice(-1));
        for (const step of /** @type {any[]} */ (steps)) {
          const one = made[Math.max(made.length - 1 - (step.back ?? 0), 0)];
          tick();
          rules.check();
          if (step.do === "wait") await advance(step.ms, 100);
          else if (step.do === "stall") player.plays = false;
          else if (step.do === "play") player.plays = true;
          else if (step.do === "to the edge") player.seen = Math.max(player.seen, stage() - behind);
          else if (step.do === "back") player.seen -= step.by;
          else if (step.do === "post") {
            const more = Array.from({ length: step.count }, (_, i) => comment(made.length + i, { created_at: stage() }));
            made.push(...more);
            tell("comments", more);
          } else if (step.do === "repeat") tell("comments", made.slice(-step.back).filter(({ id }) => !hidden.has(id)));
          else if (step.do === "restore") {
            const [last] = [...hidden.values()].slice(-1);
            if (last) hidden.delete(last.id), tell("comment_restored", last);
          } else if (one && step.do === "hide" && !hidden.has(one.id)) {
            hidden.set(one.id, one);
            tell("comment_hidden", { id: one.id, at: stage() });
            assert.ok(!shown.includes(one.id), "gone at once, also before its time");
          } else if (one && step.do === "pin" && !hidden.has(one.id)) tell("comment_pinned", one);
        }
        player.plays = true;
        await advance(LOOK + 50, 50);
        const seen = tick();
        const visible = made.filter(({ id }) => !hidden.has(id));
        const expected = visible.filter(({ created_at }) => created_at <= seen - LOOK).map(({ id }) => id);
        assert.deepEqual(expected.filter((id) => !shown.includes(id)), [], "seen and not shown");
        await advance(60_000, 1_000); // and when the player has come to all of it
        player.seen = stage();
        await advance(1_000, 100);
        rules.check();
        assert.deepEqual(shown, visible.map(({ id }) => id));
      } finally {
        feed.stop();
        mock.timers.reset();
      }
    }),
    {
      numRuns: runs(60),
      examples: [
        // What was restored stood before what had been due for a few ms.
        [0, 0, [{ do: "back", by: 1 }, { do: "post", count: 2 }, { do: "hide", back: 0 }, { do: "to the edge" }, { do: "restore" }, { do: "wait", ms: 10 }]],
      ],
    },
  );
});
