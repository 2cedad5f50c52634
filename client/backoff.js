// How long to wait before trying again: doubling, spread at random so that a crowd does not come back at one moment, and
// never shorter than the server asked for. All in ms.

const SHORTEST = 50; // whatever a server says, nothing spins
const LONGEST_ASKED = 300_000;

export class Backoff {
  #cap;
  #random;
  /** @param {number} first @param {number} cap @param {() => number} random */
  constructor(first = 1_000, cap = 30_000, random = Math.random) {
    this.first = first;
    this.#cap = cap;
    this.#random = random;
    this.failures = 0;
  }

  /** The server names the first wait (`retry:`). @param {number} ms */
  beginAt(ms) {
    this.first = Math.min(Math.max(ms, SHORTEST), LONGEST_ASKED);
  }

  /** Count a failure; the wait. @param {number} [asked] by the server (`Retry-After`) */
  next(asked) {
    const begin = this.first * 1.5;
    const most = Math.min(begin * 2 ** Math.min(this.failures++, 30), Math.max(this.#cap, begin));
    const least = Math.max(this.first, most / 2);
    const wait = least + (most - least) * this.#random();
    return asked === undefined ? wait : Math.max(wait, Math.min(asked, LONGEST_ASKED) * (1 + this.#random() / 10));
  }
}

/** Resolves after `ms`, or at once when `signal` is aborted. @param {number} ms @param {AbortSignal} [signal] */
export function sleep(ms, signal) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      }
      signal?.addEventListener("abort", done);
    })
  );
}
