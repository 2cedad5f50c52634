import { queryOf } from "./api.js";

/** @typedef {import("./model.js").Comment} Comment */
/** In order of `offset`, which all of them have. @typedef {Comment & {offset: number}} Placed */

export const WINDOW = 180; // seconds; just these, aligned, are what a CDN may keep
const PAGE = 1_000;
const KEPT = 8; // windows
export const FRESH = 30_000; // ms, after which a window is asked for again: deleted comments go, restored ones come back
const OUTDATED = 35_000; // ms for which somebody's cache may still give what has gone

/** One window: what of it has come, `upTo` which second, and when it was asked for. */
class Window {
  /** @type {Placed[]} */
  comments = [];
  upTo;
  at = Date.now();
  loading = new AbortController();
  whole = false;

  /** @param {number} index */
  constructor(index) {
    this.index = index;
    this.upTo = index * WINDOW;
  }
}

/** A recording's comments, fetched by window as they are needed. */
export class Windows {
  #api;
  #video;
  #changed;
  #failed;
  /** @type {Map<number, Window>} */
  #windows = new Map();
  /** @type {Map<string, number>} when comments went that an old copy may still have */
  #gone = new Map();

  /**
   * @param {import("./api.js").Api} api
   * @param {string} video
   * @param {(index: number, gone: Placed[], back: Placed[]) => void} changed more of a window has come, or what was there has changed
   * @param {(error: unknown) => void} failed
   */
  constructor(api, video, changed, failed) {
    this.#api = api;
    this.#video = video;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** Up to which second all is here, from `time` on; undefined where the moment itself is not. @param {number} time */
  known(time) {
    const window = this.#windows.get(Math.floor(time / WINDOW));
    return window && (window.whole || window.upTo > time) ? window.upTo : undefined;
  }

  /** Whether all of a moment's window is here. @param {number} time */
  whole(time) {
    return !!this.#windows.get(Math.floor(time / WINDOW))?.whole;
  }

  /** Have these windows and stop fetching others. @param {number[]} indices the one needed most first */
  want(indices) {
    for (const [index, window] of this.#windows) {
      if (indices.includes(index)) continue;
      window.loading.abort();
      if (!window.whole) this.#windows.delete(index);
    }
    for (const index of indices) {
      const window = this.#windows.get(index);
      if (!window) void this.#load(index);
      else if (window.whole && Date.now() - window.at > FRESH) void this.#load(index, window);
    }
    for (const index of this.#windows.keys()) {
      if (this.#windows.size <= KEPT) break;
      if (!indices.includes(index)) this.#windows.delete(index);
    }
  }

  /** The comments after `from` up to `to` (seconds), at most the last `count`; fewer rather than with a hole between them. */
  between(/** @type {number} */ from, /** @type {number} */ to, count = Infinity) {
    /** @type {Placed[]} */
    let found = [];
    const last = Math.floor(to / WINDOW);
    for (let index = last; index >= Math.floor(from / WINDOW) && found.length < count; index--) {
      const window = this.#windows.get(index);
      if (!window || (index < last && !window.whole)) break;
      const { comments } = window;
      found = [...comments.slice(after(comments, from), after(comments, to)), ...found];
    }
    return found.slice(-count);
  }

  /** When the next comment after `time` is due, as far as is known. @param {number} time */
  next(time) {
    const index = Math.floor(time / WINDOW);
    for (const { comments } of [this.#windows.get(index), this.#windows.get(index + 1)].filter((window) => !!window)) {
      const found = comments[after(comments, time)];
      if (found) return found.offset;
    }
    return undefined;
  }

  /** A comment is gone. @param {string} id */
  drop(id) {
    this.#gone.set(id, Date.now());
    for (const window of this.#windows.values()) window.comments = window.comments.filter((comment) => comment.id !== id);
  }

  clear() {
    for (const { loading } of this.#windows.values()) loading.abort();
    this.#windows.clear();
  }

  /** @param {number} index @param {Window} [stale] is shown until the new one is here */
  async #load(index, stale) {
    const window = new Window(index);
    if (stale) {
      stale.at = window.at;
      stale.loading = window.loading;
    } else this.#windows.set(index, window);
    const { signal } = window.loading;
    for (const [id, at] of this.#gone) if (Date.now() - at > OUTDATED) this.#gone.delete(id);
    /** @type {string | undefined} */
    let cursor;
    try {
      do {
        const query = queryOf({ start: index * WINDOW, duration: WINDOW, limit: PAGE, cursor });
        const page = await this.#api.call("GET", this.#api.url(this.#video, `/replay?${query}`), { signal });
        if (signal.aborted) return;
        window.comments.push(...page.comments.filter((/** @type {Placed} */ { id }) => !this.#gone.has(id)));
        cursor = page.has_more ? page.next_cursor : undefined;
        window.whole = cursor === undefined;
        window.upTo = window.whole ? (index + 1) * WINDOW : (page.comments.at(-1)?.offset ?? window.upTo);
        if (!stale) this.#changed(index, [], []);
      } while (cursor !== undefined);
      if (!stale) return;
      this.#windows.set(index, window);
      const [had, has] = [stale, window].map(({ comments }) => new Set(comments.map(({ id }) => id)));
      const gone = stale.comments.filter(({ id }) => !has?.has(id));
      for (const { id } of gone) this.#gone.set(id, Date.now());
      this.#changed(index, gone, window.comments.filter(({ id }) => !had?.has(id)));
    } catch (error) {
      if (signal.aborted) return;
      if (stale) return; // what is here still serves
      this.#windows.delete(index);
      this.#failed(error);
    }
  }
}

/** The place of the first comment after `time`. @param {Placed[]} comments @param {number} time */
function after(comments, time) {
  let [low, high] = [0, comments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {Placed} */ (comments[middle]).offset <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
