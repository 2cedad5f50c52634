// The client and a real server, as a process of its own that is killed and started again.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Api } from "../api.js";
import { Backoff } from "../backoff.js";
import { LiveFeed } from "../live.js";
import { Draft } from "../posting.js";
import { Session } from "../session.js";
import { Tokens } from "../tokens.js";

const HUBBUB = new URL("../../.venv/bin/hubbub", import.meta.url).pathname;

let directory = "";
let port = 0;
/** @type {import("node:child_process").ChildProcess | undefined} */
let process;

async function start() {
  const { PATH, HOME } = globalThis.process.env;
  const settings = { HUBBUB_PORT: String(port), HUBBUB_STORE: `sqlite:///${directory}/hubbub.db`, HUBBUB_DEV: "true" };
  const bounds = { HUBBUB_POST_LIMIT: "off", HUBBUB_ADDRESS_LIMIT: "off", HUBBUB_RETRY_MIN: "50ms", HUBBUB_RETRY_MAX: "100ms" };
  process = spawn(HUBBUB, ["serve"], { cwd: directory, env: { PATH, HOME, ...settings, ...bounds }, stdio: "ignore" });
  await until(async () => (await fetch(`${base()}/readyz`).catch(() => undefined))?.ok === true, "the server answers");
}

async function kill() {
  const ended = new Promise((resolve) => process?.once("exit", resolve));
  process?.kill("SIGKILL");
  await ended;
}

const base = () => `http://127.0.0.1:${port}`;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "hubbub-client-"));
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = probe.address();
  port = typeof address === "object" && address ? address.port : 0;
  await new Promise((resolve) => probe.close(resolve));
  await start();
});

/** @type {Session[]} */
const sessions = [];

after(async () => {
  for (const session of sessions) session.stop();
  await kill();
  await rm(directory, { recursive: true });
});

/** @param {() => boolean | Promise<boolean>} holds @param {string | (() => string)} what */
async function until(holds, what) {
  const end = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(`not so within 30 s: ${typeof what === "string" ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** @param {string} name */
async function guest(name) {
  const response = await fetch(`${base()}/dev/guest`, { method: "POST", body: JSON.stringify({ name }) });
  return (await response.json()).token;
}

/** Somebody who watches. @param {string} video @param {ConstructorParameters<typeof Session>[2]} [options] */
function viewer(video, options = {}) {
  const tokens = new Tokens(() => guest("viewer"));
  const session = new Session(new Api(base(), tokens), video, { backoff: new Backoff(50, 200), ...options });
  const feed = new LiveFeed(session);
  sessions.push(session);
  /** @type {string[]} */
  let texts = [];
  feed.on("picture", () => (texts = []));
  feed.on("comments", ({ comments }) => texts.push(...comments.map((/** @type {{text: string}} */ { text }) => text)));
  feed.start();
  return { feed, session, texts: () => texts };
}

/** @type {Record<string, ConstructorParameters<typeof Session>[2]>} */
const WAYS = {
  "a stream": {},
  "long poll, streams being blocked": {
    stream: async () => Promise.reject(new TypeError("blocked")),
  },
};

for (const [way, options] of Object.entries(WAYS)) {
  test(`by ${way}: while the server is killed and restarted again and again, nobody misses or repeats a comment`, async () => {
    const video = way.replace(/\W/g, "-");
    const [ada, grace] = [viewer(video, options), viewer(video, options)];
    const api = new Api(base(), new Tokens(() => guest("poster")));
    await until(() => [ada, grace].every(({ feed }) => feed.state.state === "live"), "both are live");
    /** @type {string[]} */
    const kept = [];
    let round = 0;
    for (; round < 3; round++) {
      const posting = (async () => {
        for (let i = 0; i < 40; i++) {
          const { text } = await new Draft(api, video, `${round}.${i}`).send({ backoff: new Backoff(20, 200) });
          kept.push(text);
        }
      })();
      await until(() => kept.length >= round * 40 + 15, "some are kept");
      await kill();
      await start();
      await posting;
    }
    for (const { texts } of [ada, grace]) {
      await until(() => texts().length >= kept.length, () => `${texts().length} of ${kept.length}`);
      assert.deepEqual(texts(), kept);
    }
    for (const { feed } of [ada, grace]) {
      await until(() => feed.state.state === "live", "live again");
      feed.stop();
    }
  });
}

test("what is deleted goes, and a token that ends while watching is replaced", async () => {
  const ada = viewer("deleting");
  const api = new Api(base(), new Tokens(() => guest("poster")));
  const { id } = await new Draft(api, "deleting", "regretted").send();
  await until(() => ada.texts().length === 1, "it is there");
  /** @type {string[]} */
  const gone = [];
  ada.feed.on("gone", (which) => gone.push(which));
  await api.act("delete", "deleting", id);
  await until(() => gone.length === 1, "it is gone");
  assert.deepEqual(gone, [id]);
  ada.feed.stop();
});

test("a refusal has the server's words and its code", async () => {
  const api = new Api(base(), new Tokens(() => guest("poster")));
  await assert.rejects(new Draft(api, "refusing", "x".repeat(501)).send(), { code: "text_too_long", status: 422 });
  await assert.rejects(new Draft(new Api(base()), "refusing", "x").send(), { code: "no_token", status: 401 });
});
