import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../sse.js";
import { chance } from "./support.js";

const STREAM =
  ": hello\r\n\r\nevent: welcome\nretry: 1500\nid: a.1\ndata: {\"x\":1}\n\n" +
  'data:["é","👋"]\rid: a.2\revent:comment_batch\r\rretry: 99\n\ndata: 1\ndata:  \n\nid: b\0d\ndata: 2\n\nnonsense\nevent: cut\ndata: 3\n';
const EVENTS = [
  { name: "welcome", data: { x: 1 }, id: "a.1", retry: 1500 },
  { name: "comment_batch", data: ["é", "👋"], id: "a.2" },
  { name: "message", data: 1, retry: 99 },
  { name: "message", data: 2 },
];

test("events come out the same wherever the stream is cut", () => {
  const random = chance(1);
  for (let run = 0; run < 300; run++) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < STREAM.length; ) {
      const length = 1 + Math.floor(random() ** 3 * 40);
      events.push(...parser.feed(STREAM.slice(at, at + length)));
      at += length;
    }
    assert.deepEqual(events.map((event) => ({ ...event })), EVENTS);
  }
});

test("an event without end is an error, not memory", () => {
  const parser = new EventParser();
  const megabyte = "x".repeat(2 ** 20);
  assert.throws(() => {
    for (let i = 0; i < 20; i++) parser.feed(i % 2 ? megabyte : `\ndata:${megabyte}`);
  }, RangeError);
});

test("data that is not JSON is an error", () => {
  assert.throws(() => new EventParser().feed("data: {\n\n"), SyntaxError);
});
