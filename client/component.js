/**
 * `<hubbub-comments video="…">`: a video's comments, with a box to write one.
 *
 *     <script type="module" src="https://comments.example.org/client/v1/hubbub-comments.js"></script>
 *     <hubbub-comments video="launch" for="player" token-url="/comments-token"></hubbub-comments>
 *
 * Attributes, properties, methods, events, slots and parts stand in docs/client.md. This module has the attributes and
 * properties and chooses the feed; from there
 *
 *     feed (live.js, replay.js) → flow.js → view.js with list.js: what is shown
 *     box.js → writing.js → list.js and the server: what is written
 *     earlier.js: pages of history    acts.js: what is done to a comment    status.js: how it all stands
 *
 * @module
 */

import { Acts } from "./acts.js";
import { make } from "./dom.js";
import { Earlier } from "./earlier.js";
import { Flow } from "./flow.js";
import { Hubbub } from "./hubbub.js";
import { asProblem } from "./problem.js";
import { Room } from "./room.js";
import { Status } from "./status.js";
import { styleSheet } from "./style.js";
import { View } from "./view.js";
import { Writing } from "./writing.js";

export * from "./hubbub.js";

/** @typedef {import("./list.js").Entry} Entry */

const HOME = import.meta.url.replace(/\/client\/.*$/, "");
const AGAIN = 5_000; // ms until the replay's code is asked for again
const FEED = ["video", "src", "mode", "for", "token", "token-url", "alone"]; // attributes with which it begins anew

export class HubbubComments extends HTMLElement {
  static observedAttributes = [...FEED, "latency", "readonly", "max-text"];

  /** @type {import("./tokens.js").GetToken | undefined} */
  #getToken;
  /** @type {import("./latency.js").Latency | undefined} */
  #latency;
  /** @type {import("./clock.js").Clock | undefined} */
  #clock;
  /** @type {import("./row.js").RenderComment | undefined} how a page shows comments in its own way */
  renderComment = /** @type {any} */ (this).renderComment; // a page may have set it before it loaded this script
  #starting = false;
  #running = new AbortController();
  #room = new Room(this);
  #view = new View({
    words: this.#room.words,
    replay: () => this.#room.replay,
    render: () => this.renderComment,
    toolsFor: (entry, pinned) => this.#toolsFor(entry, pinned),
    act: (what, entry) => this.#act(what, entry),
    newest: () => this.#room.feed?.newest ?? [],
    earlier: () => this.#earlier.load().catch((error) => this.#status.notice(this.#room.words.refusal(this.#room.fail(error)))),
  });
  #status = new Status(this.#room);
  #flow = new Flow(this.#room, this.#view);
  #earlier = new Earlier(this.#room, this.#view);
  #writing = new Writing(this.#room, this.#view, () => this.clock?.currentTime);
  #acts = new Acts(this.#room, this.#view, this.#status);

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    const { pinned, feed } = this.#view;
    const { box, sign } = this.#writing;
    const [header, footer] = [make("slot", { name: "header" }), make("slot", { name: "footer" })];
    root.append(header, this.#status.element, pinned, feed, box.form, sign, footer, this.#flow.announcer.element);
    this.strings = {};
  }

  connectedCallback() {
    // The same of these.
    const self = /** @type {Record<string, any>} */ (/** @type {unknown} */ (this));
    for (const name of ["getToken", "latency", "clock", "strings"]) {
      if (!Object.hasOwn(self, name)) continue;
      const own = self[name];
      delete self[name];
      self[name] = own;
    }
    this.reconnect();
  }

  disconnectedCallback() {
    this.#stop();
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (FEED.includes(name)) this.reconnect();
    else if (this.isConnected) this.#adjust();
  }

  get video() {
    return this.getAttribute("video") ?? "";
  }

  /** Brings a token; is asked again when one has run out. */
  get getToken() {
    return this.#getToken;
  }

  set getToken(get) {
    this.#getToken = get;
    this.reconnect();
  }

  /** How far the player is behind the stage. */
  get latency() {
    const told = this.getAttribute("latency");
    const player = /** @type {HTMLMediaElement | undefined} */ (this.clock);
    return this.#latency ?? (told ? Number(told) : player && "getStartDate" in player ? player : 0);
  }

  set latency(latency) {
    this.#latency = latency;
    this.#adjust();
  }

  /** What a replay goes by: by default the element that `for` names. */
  get clock() {
    const root = /** @type {Document} */ (this.getRootNode());
    const named = /** @type {unknown} */ (root.getElementById?.(this.getAttribute("for") ?? ""));
    return this.#clock ?? /** @type {import("./clock.js").Clock | undefined} */ (named ?? undefined);
  }

  set clock(clock) {
    this.#clock = clock;
    this.reconnect();
  }

  /** @returns {import("./strings.js").Strings} */
  get strings() {
    return this.#room.words.own;
  }

  set strings(strings) {
    this.#room.words.own = strings;
    this.#writing.reword();
    this.#view.reword();
    this.#status.show();
  }

  /** Where the comments come from, once it has begun. */
  get feed() {
    return this.#room.feed;
  }

  /** Begin anew, as after signing in. */
  reconnect() {
    if (this.#starting || !this.isConnected) return;
    this.#starting = true;
    queueMicrotask(() => {
      this.#starting = false;
      if (this.isConnected) void this.#start();
    });
  }

  /** Go to the newest comment. */
  toEnd() {
    this.#view.toEnd();
  }

  /** Not to see somebody, or to see them again from now on. @param {string} userId */
  mute(userId, muted = true) {
    this.#acts.mute(userId, muted);
  }

  /** Write a comment: shown at once, and kept when this resolves. Rejects with a Problem. @param {string} text */
  post(text) {
    return this.#writing.post(text);
  }

  #stop() {
    this.#running.abort();
    this.#room.feed?.stop();
    this.#room.feed = undefined;
    this.#flow.stop();
  }

  async #start() {
    this.#stop();
    const room = this.#room;
    if (room.video !== this.video) {
      this.#view.clear();
      this.#writing.forget();
    }
    room.video = this.video;
    if (!room.video) return;
    const { signal } = (this.#running = new AbortController());
    const mode = this.getAttribute("mode");
    const url = this.getAttribute("src") ?? HOME;
    const token = this.getAttribute("token");
    const tokenUrl = this.getAttribute("token-url");
    const getToken = this.#getToken ?? (token ? () => token : tokenUrl ? () => tokenFrom(tokenUrl) : undefined);
    room.hubbub = new Hubbub({ url, getToken });

    const { clock } = this;
    let replay = mode === "replay";
    if (mode === "auto" && clock) {
      const video = await room.hubbub.api.video(room.video).catch(() => undefined); // then the feed tells what is wrong
      replay = video?.state === "ended";
    }
    if (signal.aborted) return;
    replay &&= !!clock;
    if (room.replay !== replay) this.#view.clear();
    room.replay = replay;
    let feed;
    try {
      feed =
        room.replay && clock
          ? await room.hubbub.replay(room.video, clock)
          : room.hubbub.live(room.video, { share: !this.hasAttribute("alone") });
    } catch (error) {
      this.#status.give(room.fail(error));
      setTimeout(() => signal.aborted || this.reconnect(), AGAIN);
    }
    if (signal.aborted || !feed) return;
    room.feed = feed;
    this.#adjust();
    this.#view.settle();
    this.#flow.follow(feed);
    feed
      .on("video", () => this.#status.show())
      .on("state", (state) => {
        if (signal.aborted) return;
        this.#status.show();
        room.tell("state", state);
        if (state.state === "live") this.#adjust(); // by now it is known whether the token is good
      })
      .on("error", (problem) => this.#status.give(room.fail(problem)));
    feed.start();
    this.#status.show();
    if (!room.replay && mode === "auto") {
      // Who goes back in what has ended meanwhile, watches the recording.
      clock?.addEventListener("seeking", () => feed.video["state"] === "ended" && this.reconnect(), { signal });
    }
  }

  /** What attributes and properties may change while it goes on. */
  #adjust() {
    const { feed } = this.#room;
    if (feed && "latency" in feed) feed.latency = this.latency;
    const most = Number(this.getAttribute("max-text"));
    if (most) this.#writing.box.limit = most;
    void this.#writing.show(this.hasAttribute("readonly"));
  }

  /** @param {Entry} entry @param {boolean} pinned @returns {[string, string][]} */
  #toolsFor(entry, pinned) {
    const offers = this.#acts.offers(entry, pinned, this.hasAttribute("report"));
    return offers.map((what) => [what, this.#room.words.say(what, entry.user)]);
  }

  /** @param {string} what @param {Entry} entry */
  #act(what, entry) {
    this.#writing.box.complain("");
    if (what === "again" || what === "discard") this.#writing.decide(entry.id, what === "again");
    else void this.#acts.act(what, entry);
  }
}

/** @param {string} url */
async function tokenFrom(url) {
  const response = await fetch(url, { method: "POST" });
  if (response.status === 401 || response.status === 403) return ""; // not signed in there either
  if (!response.ok) throw asProblem(`The token was answered ${response.status}.`);
  return (await response.json()).token;
}

customElements.define("hubbub-comments", HubbubComments);
