// A busy feed flows: what came in one tick is shown one by one over the time until the next. What comes in a flood is
// shown once a frame: drawn one tick after the other it would stop the page.

/** @typedef {import("./model.js").Comment} Comment */

const LONGEST_TICK = 1_200; // ms; a longer gap was a pause in the talk
const USUAL = 100;
const AT_ONCE = 60; // comments: what nobody can read one by one is not dealt out one by one
const FRAME = 16; // ms

export class Pacer {
  #release;
  /** @type {{comment: Comment, due: number, earlier: boolean}[]} */
  #queue = [];
  #tick = USUAL;
  #last = 0;
  #dealt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {(comments: Comment[], earlier: boolean) => void} release */
  constructor(release) {
    this.#release = release;
  }

  /** @param {Comment[]} comments one tick's @param {boolean} [earlier] not said just now */
  add(comments, earlier = false) {
    const now = Date.now();
    const gap = now - this.#last;
    this.#last = now;
    this.#tick = gap > LONGEST_TICK ? USUAL : this.#tick * 0.7 + gap * 0.3;
    for (const waiting of this.#queue) waiting.due = now; // the next tick is here: the last one's time is over
    const step = earlier || comments.length > AT_ONCE || globalThis.document?.hidden ? 0 : this.#tick / comments.length;
    this.#queue.push(...comments.map((comment, i) => ({ comment, due: now + i * step, earlier })));
    this.#deal();
  }

  /** A comment is gone before it was shown. @param {string} id */
  drop(id) {
    this.#queue = this.#queue.filter(({ comment }) => comment.id !== id);
  }

  /** Show what waits, now. */
  flush() {
    for (const waiting of this.#queue) waiting.due = 0;
    this.#dealt = 0;
    this.#deal();
  }

  clear() {
    this.#queue = [];
    clearTimeout(this.#timer);
  }

  #deal() {
    clearTimeout(this.#timer);
    const now = Date.now();
    const flooded = Math.abs(now - this.#dealt) < FRAME;
    const upTo = flooded ? 0 : this.#queue.findIndex(({ due }) => due > now);
    const due = this.#queue.splice(0, upTo < 0 ? Infinity : upTo);
    const next = this.#queue[0];
    if (next) this.#timer = setTimeout(() => this.#deal(), Math.max(next.due - now, FRAME));
    while (due.length) {
      this.#dealt = now;
      const earlier = !!due[0]?.earlier;
      const end = due.findIndex((waiting) => waiting.earlier !== earlier);
      this.#release(due.splice(0, end < 0 ? Infinity : end).map(({ comment }) => comment), earlier);
    }
  }
}
