/**
 * What a replay goes by: a media element, or anything with these three of its properties that dispatches `play`, `pause`,
 * `seeking`, `ratechange` as they change. `currentTime` in seconds of the video.
 * @typedef {EventTarget & {readonly currentTime: number, readonly paused: boolean, readonly playbackRate: number}} Clock
 */

/** A clock of one's own, for a player that is no media element: tell it what the player does. @implements {Clock} */
export class PlayerClock extends EventTarget {
  #at = 0; // seconds, when the clock was last told something
  #told = Date.now();
  #paused = true;
  #rate = 1;

  get currentTime() {
    return this.#at + (this.#paused ? 0 : ((Date.now() - this.#told) / 1000) * this.#rate);
  }

  /** Seek. */
  set currentTime(seconds) {
    this.#tell("seeking", () => (this.#at = seconds));
  }

  get paused() {
    return this.#paused;
  }

  get playbackRate() {
    return this.#rate;
  }

  set playbackRate(rate) {
    this.#tell("ratechange", () => (this.#rate = rate));
  }

  play() {
    this.#tell("play", () => (this.#paused = false));
  }

  /** Also while the player waits for data. */
  pause() {
    this.#tell("pause", () => (this.#paused = true));
  }

  /** @param {string} event @param {() => void} change */
  #tell(event, change) {
    this.#at = this.currentTime;
    this.#told = Date.now();
    change();
    this.dispatchEvent(new Event(event));
  }
}
