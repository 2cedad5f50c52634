import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Api } from "../api.js";
import { polling } from "../fallbacks.js";
import { streaming } from "../transports.js";

/** @type {string[]} */
let asked = [];
/** @type {object | undefined} */
let video;

const server = createServer(({ url = "" }, response) => {
  asked.push(url);
  if (!url.includes("/comments/")) return response.writeHead(video ? 200 : 503).end(JSON.stringify(video ?? {}));
  const stream = url.includes("/stream");
  response.writeHead(200, { "Content-Type": stream ? "text/event-stream" : "application/json" });
  return response.end(stream ? "data: 1\n\n" : JSON.stringify({ events: [], position: "p" }));
});
let base = "";

before(async () => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" && address?.port}`;
});
after(() => void server.close());

/** The shards that were given by two connections one after the other. @param {import("../transports.js").Transport} way */
async function given(way) {
  asked = [];
  const api = new Api(base);
  for (let i = 0; i < 2; i++) {
    const { signal } = new AbortController();
    await way({ api, video: "constructor", place: "", backlog: 0, signal, take() {}, alive() {}, once: true });
  }
  const watched = asked.filter((url) => url.includes("/comments/"));
  return watched.map((url) => new URL(url, base).searchParams.get("shard"));
}

// node has no EventSource; the page's tests have one.
const WAYS = { streaming, polling };

for (const [name, way] of Object.entries(WAYS)) {
  test(`${name}: a big video's viewer chooses a shard once and keeps to it`, async () => {
    video = { shards: 1000 };
    const seen = new Set();
    for (let i = 0; i < 8; i++) {
      const [first, second, ...more] = await given(way);
      assert.match(String(first), /^\d{1,3}$/);
      assert.deepEqual([second, more], [first, []]);
      assert.equal(asked.length, 3);
      seen.add(first);
    }
    assert.ok(seen.size > 1, "it is chosen at random");
  });

  test(`${name}: where no shards are told none is given, and a question that failed is asked again`, async () => {
    for (video of [{}, { shards: 1 }]) {
      assert.deepEqual(await given(way), [null, null]);
      assert.equal(asked.length, 3);
    }
    video = undefined;
    assert.deepEqual(await given(way), [null, null]);
    assert.equal(asked.length, 4);
  });
}
