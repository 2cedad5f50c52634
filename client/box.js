import { make } from "./dom.js";

const TELL_FROM = 0.8; // of the length, from which on what is left is told

/** The box to write in. */
export class Box {
  #words;
  #send;
  #text;
  #problem;
  #button;
  limit = 500; // code points
  #counter;

  /** @param {import("./strings.js").Words} words @param {(text: string) => void} send */
  constructor(words, send) {
    this.#words = words;
    this.#send = send;
    this.#text = make("textarea", { part: "input", rows: 1, dir: "auto", enterKeyHint: "send", oninput: () => this.#count() });
    this.#counter = make("span", { part: "count", role: "status" });
    this.#problem = make("p", { part: "problem", role: "alert" });
    this.#button = make("button", { part: "send" });
    this.form = make("form", { part: "box", hidden: true }, this.#problem, this.#text, this.#button, this.#counter);
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event);
    });
    this.reword();
  }

  reword() {
    this.#text.placeholder = this.#text.ariaLabel = this.#words.say("placeholder");
    this.#button.textContent = this.#words.say("send");
  }

  /** What was refused is there to be changed, unless something else is being written. @param {string} text */
  giveBack(text) {
    if (this.#text.value.trim()) return false;
    this.#text.value = text;
    this.#count();
    return true;
  }

  /** @param {string} words "" to be silent */
  complain(words) {
    this.#problem.textContent = words;
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (!text || this.#left(text) < 0) return this.#text.focus();
    this.#text.value = "";
    this.complain("");
    this.#count();
    this.#text.focus();
    this.#send(text);
  }

  /** @param {string} text */
  #left(text) {
    return this.limit - [...text].length;
  }

  #count() {
    const left = this.#left(this.#text.value.trim());
    const told = left < this.limit * (1 - TELL_FROM);
    this.#counter.textContent = told ? this.#words.say(left < 0 ? "over" : "left", { n: Math.abs(left) }) : "";
    this.#counter.toggleAttribute("data-over", left < 0);
    this.#text.ariaInvalid = String(left < 0);
  }
}
