// A viewer of HLS or DASH is seconds behind the stage, and a live comment spoils the goal. Comments wait here until this
// viewer sees the moment that they were made in.

/** @typedef {import("./model.js").Comment} Comment */
/**
 * Seconds behind the stage: a number, a function asked again and again (hls.js: `() => hls.latency`, dash.js:
 * `() => player.getCurrentLiveLatency()`), or a media element whose browser knows its programme date-time.
 * @typedef {number | (() => number | null | undefined) | HTMLMediaElement} Latency
 */

const LOOK_AGAIN = 250; // ms; a player's latency changes when it stalls or is paused
const MOST_HELD = 5_000; // comments; the oldest go first, a list shows 200
const SAMPLES = 50;

/**
 * The moment that is on this viewer's screen, in ms since the epoch by the clock at the stage.
 * @param {Latency} latency @param {number} skew ms that this page's clock is ahead
 */
export function momentSeen(latency, skew) {
  let seconds;
  if (typeof latency === "number") seconds = latency;
  else if (typeof latency === "function") seconds = latency();
  else {
    // WebKit tells at which date the media's zero is (HTML: getStartDate, from EXT-X-PROGRAM-DATE-TIME).
    const start = /** @type {any} */ (latency).getStartDate?.().getTime();
    if (Number.isFinite(start)) return start + latency.currentTime * 1000;
  }
  return Date.now() - skew - (seconds && Number.isFinite(seconds) ? Math.max(seconds * 1000, 0) : 0);
}

/** Holds comments back, in order. */
export class Delay {
  #release;
  /** @type {Comment[]} */
  #held = [];
  /** @type {number[]} how long the last live comments took by the clocks of both ends */
  #took = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Latency} latency @param {(comments: Comment[], earlier: boolean) => void} release */
  constructor(latency, release) {
    this.latency = latency;
    this.#release = release;
  }

  /** @param {Comment[]} comments in order @param {boolean} earlier said before we were in step */
  add(comments, earlier) {
    const now = Date.now();
    // The least that any took is the difference of the clocks, so this page's clock may be as wrong as it likes.
    const took = Math.min(...comments.map(({ created_at }) => now - created_at));
    if (!earlier || took < 0) this.#took = [...this.#took, took].slice(-SAMPLES);
    this.#held = [...this.#held, ...comments].slice(-MOST_HELD);
    this.#look(earlier);
  }

  /** One that was hidden, at its place. @param {Comment} comment */
  insert(comment) {
    this.#held = [...this.#held.filter(({ id }) => id !== comment.id), comment].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#look(false);
  }

  /** Whether this viewer has yet to see the moment of a comment. @param {Comment} comment */
  early({ created_at }) {
    return created_at > this.#seen;
  }

  /** A comment is gone. @param {string} id */
  drop(id) {
    this.#held = this.#held.filter((comment) => comment.id !== id);
  }

  /** Forget all. */
  clear() {
    this.#held = [];
    clearTimeout(this.#timer);
  }

  get #seen() {
    return momentSeen(this.latency, this.#took.length ? Math.min(...this.#took) : 0);
  }

  /** @param {boolean} earlier */
  #look(earlier) {
    clearTimeout(this.#timer);
    const seen = this.#seen;
    const upTo = this.#held.findIndex(({ created_at }) => created_at > seen);
    const due = upTo < 0 ? this.#held.splice(0) : this.#held.splice(0, upTo);
    const next = this.#held[0];
    if (next) {
      const wait = Math.max(Math.min(next.created_at - seen, LOOK_AGAIN), 1);
      this.#timer = setTimeout(() => this.#look(false), wait);
    }
    if (due.length) this.#release(due, earlier);
  }
}
