import { painted, stampOf } from "./sight.js";

const PATIENCE = 10_000; // ms for whatever has to happen by itself

/** Plays and seeks, and looks at when the list shows what belongs to the moment. Comments are stamped with their places. */
export class Replaying {
  /** @param {any} clock a media element or a PlayerClock @param {HTMLElement} rows */
  constructor(clock, rows) {
    this.clock = clock;
    this.rows = rows;
  }

  /** Begin to play, or go on; the clock runs when this resolves. */
  async play() {
    const from = this.clock.currentTime;
    await this.clock.play();
    await until(() => this.clock.currentTime > from);
  }

  pause() {
    this.clock.pause();
  }

  /** By how many ms each comment is painted after its time (before it: below 0). @param {number} seconds of playing */
  async watch(seconds) {
    const from = this.clock.currentTime;
    /** @type {number[]} */
    const off = [];
    const observer = new MutationObserver((records) => {
      for (const row of records.flatMap(({ addedNodes }) => [...addedNodes])) {
        const found = stampOf(row);
        if (found) painted(() => off.push((this.clock.currentTime - found.stamp) * 1000));
      }
    });
    observer.observe(this.rows, { childList: true });
    await until(() => this.clock.currentTime > from + seconds, seconds * 1000);
    observer.disconnect();
    await new Promise((resolve) => painted(() => resolve(undefined)));
    return off;
  }

  /**
   * Seek; the ms until what belongs there is painted: the last hundred comments up to that moment, and those made since.
   * @param {[number, number]} request where to, and the seconds between two comments
   */
  async seek([to, step]) {
    const { clock, rows } = this;
    const right = () => {
      const [first, last] = [rows.firstElementChild, rows.lastElementChild].map((row) => row && stampOf(row));
      if (!first || !last || rows.childElementCount < 100) return false;
      return first.stamp <= to && last.stamp > to - step && last.stamp <= clock.currentTime + 0.001;
    };
    if (right()) throw new Error(`What belongs to ${to} s stood there already.`);
    const begin = performance.now();
    const took = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`No comments of ${to} s within ${PATIENCE} ms.`)), PATIENCE);
      const observer = new MutationObserver(() => {
        if (!right()) return;
        observer.disconnect();
        clearTimeout(late);
        painted(() => resolve(performance.now() - begin));
      });
      observer.observe(rows, { childList: true });
      clock.currentTime = to; // a clock of one's own tells at once
    });
    await until(() => !clock.seeking && (clock.readyState ?? 4) >= 3);
    return took;
  }
}

/** @param {() => boolean} condition @param {number} [expected] ms that it takes anyhow */
async function until(condition, expected = 0) {
  const end = performance.now() + expected + PATIENCE;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Not within ${expected + PATIENCE} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
