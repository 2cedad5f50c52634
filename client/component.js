/**
 * `<hubbub-comments video="…">`: a video's comments, with a box to write one.
 *
 *     <script type="module" src="https://comments.example.org/client/v1/hubbub.js"></script>
 *     <hubbub-comments video="launch" for="player" token-url="/comments-token"></hubbub-comments>
 *
 * Attributes: `video`; `src` (the server; by default where this script is from); `mode` (`live`, `replay`, or `auto`: live
 * until the video has ended); `for` (id of the player's media element); `latency` (seconds); `token`, or `token-url` (answers
 * POST with {"token"}); `readonly`; `max-text`; `report` (offer to report comments); `alone` (share no stream).
 * Properties: `getToken`, `latency`, `clock`, `strings`, `renderComment`, `feed`. Methods: `post`, `reconnect`, `mute`,
 * `toEnd`. Events: `comment`, `post`, `state`, `error`, with what there is to tell in `detail`. Slots: `header`, `empty`,
 * `sign-in`, `footer`.
 *
 * @module
 */

import { Announcer } from "./announcer.js";
import { Box } from "./box.js";
import { make } from "./dom.js";
import { Hubbub } from "./hubbub.js";
import { Pacer } from "./pacing.js";
import { asProblem } from "./problem.js";
import { Words } from "./strings.js";
import { styleSheet } from "./style.js";
import { View } from "./view.js";

export * from "./hubbub.js";

/** @typedef {import("./list.js").Entry} Entry */
/** @typedef {import("./model.js").Comment} Comment */

const HOME = import.meta.url.replace(/\/client\/.*$/, "");
const MUTED = "hubbub-muted";
const PAGE = 100; // earlier comments at a time

export class HubbubComments extends HTMLElement {
  static observedAttributes = ["video", "src", "mode", "for", "token", "token-url", "alone"];

  /** @type {import("./tokens.js").GetToken | undefined} */
  #getToken;
  /** @type {import("./latency.js").Latency | undefined} */
  #latency;
  /** @type {import("./clock.js").Clock | undefined} */
  #clock;
  /** @type {import("./live.js").LiveFeed | import("./replay.js").ReplayFeed | undefined} */
  feed;
  /** @type {import("./row.js").RenderComment | undefined} how a page shows comments in its own way */
  renderComment = /** @type {any} */ (this).renderComment; // a page may have set it before it loaded this script
  #hubbub = new Hubbub({ url: HOME });
  #words = new Words();
  #replay = false;
  #starting = false;
  #round = 0; // of starting: what belongs to an older one is dropped
  /** @type {{next: string | null, oldest: string} | undefined} how far back the pages of history have gone */
  #pages;
  #loading = false;
  /** @type {Map<string, import("./hubbub.js").Draft>} by nonce */
  #drafts = new Map();
  #announcer = new Announcer(this.#words);
  #pacer = new Pacer((comments) => this.#arrive(comments));
  #view = new View({
    words: this.#words,
    replay: () => this.#replay,
    render: () => this.renderComment,
    toolsFor: (entry, pinned) => this.#toolsFor(entry, pinned),
    act: (what, entry) => void this.#act(what, entry),
    newest: () => this.feed?.newest ?? [],
    earlier: () => void this.#earlier(),
  });
  #box = new Box(this.#words, (text) => void this.post(text).catch(() => {}));
  #state = make("p", { part: "state", role: "status" });
  #signIn = make("slot", { name: "sign-in" });
  #sign = make("div", { part: "sign-in", hidden: true }, this.#signIn);

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    const { pinned, feed } = this.#view;
    const [header, footer] = [make("slot", { name: "header" }), make("slot", { name: "footer" })];
    root.append(header, this.#state, pinned, feed, this.#box.form, this.#sign, footer, this.#announcer.element);
    this.strings = {};
    for (const id of remembered()) this.#view.list.muted.add(id);
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

  attributeChangedCallback() {
    this.reconnect();
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
    if (this.feed && "latency" in this.feed) this.feed.latency = latency;
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
    return this.#words.own;
  }

  set strings(strings) {
    this.#words.own = strings;
    this.#box.reword();
    this.#view.reword(this.#words);
    this.#signIn.textContent = this.#words.say("signIn");
    this.#showState();
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
    this.#view.list.mute(userId, muted);
    remembered(this.#view.list.muted);
  }

  /** Write a comment: shown at once, and kept when this resolves. Rejects with a Problem. @param {string} text */
  async post(text) {
    const draft = this.#hubbub.draft(this.video, text);
    const token = await this.#hubbub.tokens.current().catch(() => "");
    const { sub = "", name = sub, roles } = token ? this.#hubbub.tokens.claims : {};
    const user = { id: sub, name, ...(roles && { roles }) };
    const { nonce } = draft;
    this.#drafts.set(nonce, draft);
    this.#view.list.echo({ id: nonce, nonce, user, text, created_at: Date.now(), offset: this.clock?.currentTime ?? null });
    this.toEnd();
    return this.#send(draft);
  }

  /** @param {import("./hubbub.js").Draft} draft */
  async #send(draft) {
    const { nonce } = draft;
    const { list } = this.#view;
    try {
      const comment = await draft.send();
      list.arrived(nonce, comment);
      this.#drafts.delete(nonce);
      this.#tell("post", comment);
      return comment;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code === "text_too_long") this.#box.limit = problem.extra["limit"] ?? this.#box.limit;
      if (!problem.passing && this.#box.giveBack(draft.text)) {
        list.remove(nonce);
        this.#box.complain(this.#words.refusal(problem));
      } else list.failed(nonce, problem);
      this.#tell("error", problem);
      throw problem;
    }
  }

  #stop() {
    this.#round++;
    this.feed?.stop();
    this.feed = undefined;
    this.#pacer.clear();
    this.#announcer.stop();
  }

  async #start() {
    this.#stop();
    if (!this.video) return;
    const round = this.#round;
    const fresh = () => round === this.#round;
    const mode = this.getAttribute("mode");
    const url = this.getAttribute("src") ?? HOME;
    const token = this.getAttribute("token");
    const tokenUrl = this.getAttribute("token-url");
    const getToken = this.#getToken ?? (token ? () => token : tokenUrl ? () => tokenFrom(tokenUrl) : undefined);
    this.#hubbub = new Hubbub({ url, getToken });
    this.#box.limit = Number(this.getAttribute("max-text") ?? 500);
    void this.#showBox();

    const { clock } = this;
    let replay = mode === "replay";
    if (mode === "auto" && clock) {
      const video = await this.#hubbub.api.video(this.video).catch(() => undefined); // then the feed tells what is wrong
      replay = video?.state === "ended";
    }
    if (!fresh()) return;
    this.#replay = replay && !!clock;
    this.#view.reword(this.#words);
    const share = !this.hasAttribute("alone");
    const feed =
      this.#replay && clock
        ? this.#hubbub.replay(this.video, clock)
        : this.#hubbub.live(this.video, { latency: this.latency, share });
    this.feed = feed;
    feed
      .on("picture", (comments) => this.#draw(comments))
      .on("comments", ({ comments, earlier }) => this.#take(comments, earlier))
      .on("gone", (id) => this.#forget(id))
      .on("back", (comment) => this.#view.list.restore(comment))
      .on("pins", (pins) => this.#view.showPins(pins))
      .on("video", () => this.#showState())
      .on("state", (state) => fresh() && this.#showState(state))
      .on("error", (problem) => {
        this.#state.textContent = this.#words.refusal(problem);
        this.#tell("error", problem);
      });
    feed.start();
    this.#showState();
    if (!this.#replay && mode === "auto") {
      // Who goes back in what has ended meanwhile, watches the recording.
      clock?.addEventListener("seeking", () => fresh() && feed.video["state"] === "ended" && this.reconnect(), { once: true });
    }
  }

  /** @param {Comment[]} comments instead of what is shown */
  #draw(comments) {
    this.#pacer.clear();
    this.#view.list.replace(comments);
    this.#view.toEnd();
  }

  /** @param {Comment[]} comments @param {boolean} earlier */
  #take(comments, earlier) {
    if (earlier) {
      this.#pacer.flush();
      this.#view.list.add(comments, false);
    } else if (this.#replay) this.#arrive(comments);
    else this.#pacer.add(comments);
  }

  /** @param {Comment[]} comments */
  #arrive(comments) {
    const { list } = this.#view;
    list.add(comments);
    const heard = comments.filter(({ user }) => !list.muted.has(user.id) && user.id !== this.#me);
    if (heard.length) this.#announcer.tell(heard);
    for (const comment of comments) this.#tell("comment", comment);
  }

  /** @param {string} id */
  #forget(id) {
    this.#pacer.drop(id);
    this.#view.list.remove(id);
  }

  /** @param {import("./model.js").State} [told] */
  #showState(told) {
    const state = told ?? this.feed?.state ?? { state: "connecting" };
    const ended = !this.#replay && this.feed?.video["state"] === "ended";
    const name = state.state === "live" ? (this.#replay ? "replay" : ended ? "ended" : "live") : state.state;
    const words = this.#words.say(state.reason === "full" ? "full" : name);
    this.#state.dataset["state"] = state.state;
    if (this.#state.textContent !== words) this.#state.textContent = words; // a screen reader would say it again
    if (told) this.#tell("state", told);
    if (told?.state === "live") void this.#showBox();
  }

  async #showBox() {
    const { tokens } = this.#hubbub;
    const token = await tokens.current().catch(() => "");
    const may = !!token && (tokens.may("post") || !("scope" in tokens.claims));
    const silent = this.hasAttribute("readonly") || (!!token && !may);
    this.#box.form.hidden = silent || !token;
    this.#sign.hidden = silent || !!token;
  }

  get #me() {
    return this.#hubbub.tokens.claims["sub"];
  }

  /** @param {Entry} entry @param {boolean} pinned @returns {[string, string][]} */
  #toolsFor(entry, pinned) {
    const { tokens } = this.#hubbub;
    const own = entry.user.id === this.#me;
    const moderates = tokens.may("moderate");
    const { settings } = /** @type {Record<string, any>} */ (this.feed?.video ?? {});
    const reports = this.hasAttribute("report") || settings?.report;
    const offers = [
      moderates && (pinned ? "unpin" : "pin"),
      moderates && !own && "hide",
      (own || moderates) && "delete",
      !own && reports && this.#me && "report",
      !own && "mute",
    ];
    const values = { name: entry.user.name };
    return offers.filter((what) => typeof what === "string").map((what) => [what, this.#words.say(what, values)]);
  }

  /** @param {string} what @param {Entry} entry */
  async #act(what, entry) {
    if (what === "mute") return this.mute(entry.user.id);
    if (what === "discard" || what === "again") {
      const draft = this.#drafts.get(entry.nonce ?? "");
      if (what === "again" && draft) {
        this.#view.list.failed(draft.nonce);
        return void this.#send(draft).catch(() => {});
      }
      this.#drafts.delete(entry.nonce ?? "");
      return this.#view.list.remove(entry.id);
    }
    this.#box.complain("");
    try {
      await this.#hubbub.api.act(/** @type {"hide"} */ (what), this.video, entry.id);
      if ((what === "hide" || what === "delete") && this.feed && "drop" in this.feed) this.feed.drop(entry.id);
    } catch (error) {
      const problem = asProblem(error);
      this.#box.complain(this.#words.refusal(problem));
      this.#tell("error", problem);
    }
  }

  async #earlier() {
    const { list } = this.#view;
    if (this.#loading) return;
    this.#loading = true;
    const round = this.#round;
    try {
      for (;;) {
        const oldest = list.oldest?.id ?? "";
        if (oldest > (this.#pages?.oldest ?? "")) this.#pages = undefined; // what they brought has been dropped again
        const cursor = this.#pages?.next;
        const page = await this.#hubbub.api.history(this.video, { limit: cursor ? PAGE : 200, ...(cursor && { cursor }) });
        if (round !== this.#round) return;
        this.#pages = { next: page.next_cursor, oldest: page.comments.at(-1)?.id ?? "" };
        const older = page.comments.filter(({ id }) => id < oldest).reverse();
        this.#view.addEarlier(older, page.has_more);
        if (older.length || !page.has_more) return;
      }
    } catch (error) {
      this.#tell("error", asProblem(error));
    } finally {
      this.#loading = false;
    }
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

/** @param {string} url */
async function tokenFrom(url) {
  const response = await fetch(url, { method: "POST" });
  if (response.status === 401 || response.status === 403) return ""; // not signed in there either
  if (!response.ok) throw asProblem(`The token was answered ${response.status}.`);
  return (await response.json()).token;
}

/** Who is muted is kept in the browser, where it keeps anything. @param {Set<string>} [muted] @returns {string[]} */
function remembered(muted) {
  try {
    if (muted) localStorage.setItem(MUTED, JSON.stringify([...muted]));
    return JSON.parse(localStorage.getItem(MUTED) ?? "[]");
  } catch {
    return []; // it is forgotten when the page is left
  }
}

customElements.define("hubbub-comments", HubbubComments);
