import { Backoff, sleep } from "./backoff.js";
import { asProblem } from "./problem.js";

/** @typedef {import("./model.js").Comment} Comment */

const PATIENCE = 45_000; // ms for which a post is tried again by itself

/** A comment being sent: the same one however often it is tried, since nonce and key stay. */
export class Draft {
  nonce = uuid();
  #key = uuid();

  /** @param {import("./api.js").Api} api @param {string} video @param {string} text @param {object} [meta] */
  constructor(api, video, text, meta) {
    this.api = api;
    this.video = video;
    this.text = text;
    this.meta = meta;
  }

  /**
   * Resolves with the comment as it is kept. What may pass (no answer, 5xx) is tried again for a while; rejects with a
   * Problem. Calling it again after that is safe: no second comment comes of it.
   * @param {{signal?: AbortSignal, backoff?: Backoff, patience?: number}} [options] `patience` in ms
   * @returns {Promise<Comment>}
   */
  async send({ signal, backoff = new Backoff(500, 8_000), patience = PATIENCE } = {}) {
    const { api, video, text, nonce, meta } = this;
    const until = Date.now() + patience;
    for (;;) {
      try {
        const body = { text, nonce, ...(meta && { meta }) };
        const headers = { "Idempotency-Key": this.#key };
        return await api.call("POST", api.url(video, "/comments"), { body, headers, ...(signal && { signal }) });
      } catch (error) {
        const problem = asProblem(error);
        const wait = backoff.next(problem.retryAfter);
        if (!problem.passing || problem.status === 429 || signal?.aborted || Date.now() + wait > until) throw problem;
        await sleep(wait, signal);
      }
    }
  }
}

/** crypto.randomUUID is there on secure pages only. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
