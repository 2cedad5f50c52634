// A feed flows: what came in one tick is shown one by one over the time until the next. The faster it is, the more come
// together: a browser lays out and paints the list as often as it is changed, whether by one comment or by ten.

/** @typedef {import("./model.js").Comment} Comment */

const LONGEST_TICK = 1_200; // ms; a longer gap was a pause in the talk
const USUAL = 100;
const AT_ONCE = 60; // comments: what nobody can read one by one is not dealt out one by one
const FRAME = 16; // ms between two changes of the list at least
const BUSY = 40; // ms from comment to comment, below which nobody reads one by one any more:
const BEAT = 80; // then the list is changed only so often

export class Pacer {
  #release;
  /** @type {{comment: Comment, due: number, earlier: boolean}[]} */
  #queue = [];
  #tick = USUAL;
  #last = 0;
  #dealt = 0;
  #beat = FRAME;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {(comments: Comment[], earlier: boolean, calm: boolean) => void} release `calm`: there is time to look at each */
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
    this.#beat = step < BUSY ? BEAT : FRAME;
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
    const wait = this.#beat - Math.abs(now - this.#dealt);
    const upTo = wait > 0 ? 0 : this.#queue.findIndex(({ due }) => due > now);
    const due = this.#queue.splice(0, upTo < 0 ? Infinity : upTo);
    const next = this.#queue[0];
    if (next) this.#timer = setTimeout(() => this.#deal(), Math.max(next.due - now, wait, FRAME));
    while (due.length) {
      this.#dealt = now;
      const earlier = !!due[0]?.earlier;
      const end = due.findIndex((waiting) => waiting.earlier !== earlier);
      this.#release(due.splice(0, end < 0 ? Infinity : end).map(({ comment }) => comment), earlier, this.#beat === FRAME);
    }
  }
}
