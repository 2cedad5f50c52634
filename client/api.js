import { Problem, problemOf } from "./problem.js";
import { Tokens } from "./tokens.js";

/** @typedef {import("./model.js").Comment} Comment */
/** @typedef {{comments: Comment[], next_cursor: string | null, has_more: boolean}} Page */

const ANSWER_WITHIN = 15_000; // ms

/** The calls of one server, in one person's name. All reject with a Problem. */
export class Api {
  #base;
  /** @type {Record<string, Promise<number | undefined>>} by address */
  #shards = {};

  /** @param {string} base the server's address @param {Tokens} [tokens] */
  constructor(base, tokens = new Tokens()) {
    this.#base = base.replace(/\/+$/, "");
    this.tokens = tokens;
  }

  /** @param {string} video @param {string} [rest] */
  url(video, rest = "") {
    return `${this.#base}/v1/videos/${encodeURIComponent(video)}${rest}`;
  }

  /**
   * A response that was no refusal. A token that is refused is replaced once.
   * @param {string} url
   * @param {RequestInit & {headers?: Record<string, string>}} init
   * @returns {Promise<Response>}
   */
  async fetch(url, init = {}, again = true) {
    const token = await this.tokens.current();
    const headers = { ...init.headers, ...(token && { Authorization: `Bearer ${token}` }) };
    const response = await fetch(url, { ...init, headers }).catch((error) => {
      throw init.signal?.aborted ? error : new Problem(String(error?.message ?? error));
    });
    if (response.ok) return response;
    if (response.status !== 401 || !token || !again) throw await problemOf(response);
    void response.body?.cancel();
    this.tokens.forget();
    return this.fetch(url, init, false);
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {{body?: object, headers?: Record<string, string>, signal?: AbortSignal}} [more]
   * @returns {Promise<any>} the JSON that is answered, null where there is none
   */
  async call(method, url, { body, headers = {}, signal } = {}) {
    const late = AbortSignal.timeout(ANSWER_WITHIN);
    /** @type {RequestInit & {headers: Record<string, string>}} */
    const init = { method, headers, signal: signal ? AbortSignal.any([signal, late]) : late };
    if (body) {
      init.headers = { ...headers, "Content-Type": "application/json" };
      init.body = JSON.stringify(body);
    }
    try {
      const response = await this.fetch(url, init);
      return response.status === 204 ? null : await response.json();
    } catch (error) {
      if (error instanceof Problem || signal?.aborted) throw error;
      throw new Problem(String(error));
    }
  }

  /** A page of history. @param {string} video @param {Record<string, string | number>} query @returns {Promise<Page>} */
  history(video, query = {}) {
    return this.call("GET", this.url(video, `/comments?${queryOf(query)}`));
  }

  /** @param {string} video */
  video(video) {
    return this.call("GET", this.url(video));
  }

  /**
   * The part of a big video's viewers that this one belongs to, kept from the first answer on; undefined where they are one.
   * @param {string} video
   */
  shard(video) {
    const url = this.url(video);
    // A stream waits for it. Where it can't be had, the next connection asks again.
    return (this.#shards[url] ??= this.call("GET", url, { signal: AbortSignal.timeout(2_500) }).then(
      ({ shards }) => (shards > 1 ? Math.floor(Math.random() * shards) : undefined),
      () => void delete this.#shards[url],
    ));
  }

  /**
   * Do something to a comment.
   * @param {"delete" | "hide" | "restore" | "pin" | "unpin" | "report"} what
   * @param {string} video
   * @param {string} id
   */
  act(what, video, id) {
    const method = { delete: "DELETE", pin: "PUT", unpin: "DELETE" }[/** @type {string} */ (what)] ?? "POST";
    const rest = what === "delete" ? "" : what === "unpin" ? "/pin" : `/${what}`;
    return this.call(method, this.url(video, `/comments/${encodeURIComponent(id)}${rest}`));
  }
}

/** @param {Record<string, string | number | undefined>} query what is empty is left out */
export function queryOf(query) {
  const filled = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return new URLSearchParams(filled.map(([name, value]) => [name, String(value)]));
}
