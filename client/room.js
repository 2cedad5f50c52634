import { Hubbub } from "./hubbub.js";
import { asProblem } from "./problem.js";
import { Words } from "./strings.js";

/** @typedef {import("./live.js").LiveFeed | import("./replay.js").ReplayFeed} Feed */

/** What the parts of one element share. All but the words changes when it begins anew, so nobody keeps it. */
export class Room {
  #element;
  words = new Words();
  hubbub = new Hubbub({ url: "" });
  video = "";
  replay = false;
  /** @type {Feed | undefined} */
  feed;

  /** @param {EventTarget} element */
  constructor(element) {
    this.#element = element;
  }

  /** The id of who is signed in, as far as is known. @returns {string | undefined} */
  get me() {
    return this.hubbub.tokens.claims["sub"];
  }

  /** Tell the page. @param {string} type @param {unknown} detail */
  tell(type, detail) {
    this.#element.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /** Tell the page that something went wrong. @param {unknown} error */
  fail(error) {
    const problem = asProblem(error);
    this.tell("error", problem);
    return problem;
  }
}
