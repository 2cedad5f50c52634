import { Backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { asProblem } from "./problem.js";
import { FRESH, WINDOW, Windows } from "./windows.js";

/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {import("./windows.js").Placed} Placed */
/** @typedef {import("./model.js").State} State */

const PICTURE = 100; // comments that stand there after a seek
const AHEAD = 60; // seconds of playing, by which the next window has to be here
const JUMP = 1.5; // seconds that a clock may go on between two looks before it counts as a seek
const LOOK_AGAIN = 250; // ms; a clock may stall without a word
const PATIENT = 300; // ms for which an old picture may stand while the new one is fetched
const SIGNS = ["play", "playing", "pause", "waiting", "seeking", "seeked", "ratechange", "ended", "loadedmetadata"];

/**
 * A recording's comments, each at the second it was made, by the clock of a player. Emits what a LiveFeed does; `earlier`
 * is always false but in a `picture`.
 */
export class ReplayFeed extends Emitter {
  #clock;
  /** @type {State} */
  state = { state: "connecting" };
  #windows;
  #backoff;
  #shown = -Infinity; // seconds up to which everything is shown
  #pending = true; // a picture is owed
  #behind = false; // what was to be shown by now is not here yet
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #wiping;
  #thin = false; // the last picture was drawn before the window in front of its own was here
  #retryAt = 0;
  /** @type {AbortController | undefined} */
  #running;
  #looked = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {string} video
   * @param {Clock} clock
   * @param {{backoff?: Backoff}} [options]
   */
  constructor(api, video, clock, { backoff = new Backoff(1_000, 15_000) } = {}) {
    super();
    this.#clock = clock;
    this.#backoff = backoff;
    this.#windows = new Windows(
      api,
      video,
      (index, gone, back) => this.#came(index, gone, back),
      (error) => this.#failed(asProblem(error)),
    );
  }

  /** The comments that stand there now. */
  get newest() {
    return this.#windows.between(-WINDOW, this.#shown, PICTURE);
  }

  /** A replay's video has ended. */
  get video() {
    return { state: "ended" };
  }

  start() {
    if (this.#running) return this.nudge();
    this.#running = new AbortController();
    for (const sign of SIGNS) {
      const listener = () => (sign === "seeking" ? this.#seek() : this.#look());
      this.#clock.addEventListener(sign, listener, { signal: this.#running.signal });
    }
    this.#seek();
  }

  stop() {
    this.#running?.abort();
    this.#running = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#wiping);
    this.#windows.clear();
  }

  /** Try now what would be tried later. */
  nudge() {
    this.#retryAt = 0;
    this.#look();
  }

  /** A comment that was removed by hand. @param {string} id */
  drop(id) {
    this.#windows.drop(id);
    this.emit("gone", id);
  }

  #seek() {
    this.#pending = true;
    clearTimeout(this.#wiping);
    // Comments from another time must not stand there for long; for a moment rather that than a flicker.
    this.#wiping = setTimeout(() => this.#pending && this.emit("picture", []), PATIENT);
    this.#look();
  }

  #look() {
    if (!this.#running) return;
    clearTimeout(this.#timer);
    const { currentTime: time, paused, playbackRate } = this.#clock;
    const rate = paused ? 0 : Math.abs(playbackRate);
    const elapsed = ((Date.now() - this.#looked) / 1000) * rate;
    this.#looked = Date.now();
    if (!this.#pending && (time < this.#shown - 0.01 || time > this.#shown + elapsed + JUMP) && !this.#behind) {
      return this.#seek();
    }
    const index = Math.floor(time / WINDOW);
    const wanted = [index, index - 1]; // comments of the one before are in a picture too, and still stand there afterwards
    if (Math.floor((time + AHEAD * Math.max(rate, 1)) / WINDOW) > index) wanted.push(index + 1);
    if (Date.now() >= this.#retryAt) this.#windows.want(wanted.filter((at) => at >= -1));

    const known = this.#windows.known(time);
    this.#behind = known === undefined;
    if (this.#pending && !this.#behind) this.#draw(time);
    else if (!this.#pending) this.#show(time);
    if (this.#behind && this.state.state !== "offline") this.#tell({ state: this.#pending ? "connecting" : "behind" });
    else if (!this.#behind) this.#tell({ state: "live" });

    const next = this.#windows.next(time);
    const due = rate && next !== undefined ? ((next - time) / rate) * 1000 : LOOK_AGAIN;
    const calm = !rate && !this.#behind && Date.now() >= this.#retryAt; // the clock tells when it goes on
    this.#timer = setTimeout(() => this.#look(), calm ? FRESH : Math.min(Math.max(due, 4), LOOK_AGAIN));
  }

  /** What stood there at this moment. @param {number} time */
  #draw(time) {
    this.#pending = false;
    clearTimeout(this.#wiping);
    this.#shown = time;
    this.#thin = !this.#windows.whole(time - WINDOW);
    this.emit("picture", this.newest);
  }

  /** What was said since the last look. @param {number} time */
  #show(time) {
    if (time <= this.#shown) return;
    const from = this.#shown;
    if (this.#behind) return;
    const across = Math.floor(from / WINDOW) < Math.floor(time / WINDOW);
    if (across && !this.#windows.whole(from)) return this.#seek(); // the rest of it never came
    const comments = this.#windows.between(from, time);
    this.#shown = time;
    if (comments.length) this.emit("comments", { comments, earlier: false });
  }

  /** @param {number} index @param {Placed[]} gone @param {Placed[]} back */
  #came(index, gone, back) {
    this.#backoff.failures = 0;
    this.#retryAt = 0;
    // What is still to be shown just won't be, or will be in its time.
    const shown = (/** @type {Placed} */ { offset }) => !this.#pending && offset <= this.#shown;
    for (const { id } of gone.filter(shown)) this.emit("gone", id);
    for (const comment of back.filter(shown)) this.emit("back", comment);
    if (this.#thin && index === Math.floor(this.#shown / WINDOW) - 1) this.#pending = true;
    this.#look();
  }

  /** @param {import("./problem.js").Problem} problem */
  #failed(problem) {
    if (!problem.passing) {
      this.stop();
      this.#tell({ state: "offline", reason: problem.code });
      return this.emit("error", problem);
    }
    const wait = this.#backoff.next(problem.retryAfter);
    this.#retryAt = Date.now() + wait;
    this.#tell({ state: "offline", reason: problem.code, wait });
    this.#look();
  }

  /** @param {State} state */
  #tell(state) {
    if (state.state === this.state.state && state.wait === this.state.wait) return;
    this.state = state;
    this.emit("state", state);
  }
}
