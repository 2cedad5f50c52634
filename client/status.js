import { button, make } from "./dom.js";

const NOTICE = 8_000; // ms that a notice stands

/** The line on top: how the connection stands, and for a while what was just done. */
export class Status {
  #room;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #state = make("p", { part: "state" });
  #notice = make("p", { part: "notice" });
  element = make("div", { part: "status", role: "status" }, this.#state, this.#notice);

  /** @param {import("./room.js").Room} room */
  constructor(room) {
    this.#room = room;
  }

  /** How the feed stands. */
  show() {
    const { feed, replay, words } = this.#room;
    const { state, reason } = feed?.state ?? { state: "connecting" };
    const ended = feed?.video["state"] === "ended";
    const name = state !== "live" ? state : replay ? "replay" : ended ? "ended" : state;
    this.#state.dataset["state"] = state;
    this.#say(words.say(reason === "full" ? reason : name));
  }

  /** Why it ended. @param {import("./problem.js").Problem} problem */
  give(problem) {
    this.#say(this.#room.words.refusal(problem));
  }

  /** What was just done, and how to undo it. @param {string} words @param {() => void} [undo] */
  notice(words, undo) {
    const clear = () => this.#notice.replaceChildren();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(clear, NOTICE);
    this.#notice.replaceChildren(make("bdi", {}, words));
    if (undo) this.#notice.append(button("undo", () => [clear(), undo()], this.#room.words.say("undo")));
  }

  /** @param {string} words */
  #say(words) {
    if (this.#state.textContent !== words) this.#state.textContent = words; // a screen reader would say it again
  }
}
