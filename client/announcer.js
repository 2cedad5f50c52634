import { make } from "./dom.js";

const PAUSE = 10_000; // ms between two counts
const CALM = 3; // comments in that time that are read out one by one; of more only the number

/** Tells a screen reader what is said, without shouting when it is much. */
export class Announcer {
  #words;
  element = make("p", { part: "unseen", ariaLive: "polite" });
  #since = 0;
  #lately = 0;
  #untold = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {import("./strings.js").Words} words */
  constructor(words) {
    this.#words = words;
  }

  /** @param {import("./model.js").Comment[]} comments */
  tell(comments) {
    const now = Date.now();
    if (now - this.#since > PAUSE) [this.#since, this.#lately] = [now, 0];
    this.#lately += comments.length;
    if (this.#lately <= CALM) {
      const said = comments.map(({ user, text }) => this.#words.say("said", { name: user.name, text }));
      return this.element.replaceChildren(...said.map((words) => make("span", {}, words, " ")));
    }
    this.#untold += comments.length;
    this.#timer ??= setTimeout(() => this.#count(), PAUSE);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #count() {
    this.element.textContent = this.#words.say("many", { n: this.#untold });
    this.#untold = 0;
    this.#timer = undefined;
  }
}
