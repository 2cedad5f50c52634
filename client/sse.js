// Server-sent events out of text: WHATWG HTML, section 9.2.6. No I/O.

const MAX_EVENT = 8 * 2 ** 20; // characters; a hundred of the longest comments are a tenth of it

/** @typedef {import("./model.js").WireEvent} WireEvent */

/** Takes a stream in pieces of any size, cut anywhere. */
export class EventParser {
  #rest = "";
  #size = 0;
  /** @type {string[]} */
  #data = [];
  #name = "";
  /** @type {string | undefined} */
  #id;
  /** @type {number | undefined} */
  #retry;

  /**
   * The events that `text` completes; their data is JSON, decoded. Throws what JSON.parse does, and RangeError for an
   * event without end.
   * @param {string} text
   * @returns {WireEvent[]}
   */
  feed(text) {
    const events = [];
    // A CR at the end of a piece may be half of a CRLF: it waits.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line) this.#field(line);
      else events.push(...this.#event());
    }
    if (this.#size + this.#rest.length > MAX_EVENT) throw new RangeError("an event without end");
    return events;
  }

  /** @param {string} line */
  #field(line) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === "event") this.#name = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.#retry = Number(value);
  }

  *#event() {
    const data = this.#data.join("\n");
    /** @type {WireEvent} */
    const event = { name: this.#name || "message", data: undefined };
    if (this.#id !== undefined) event.id = this.#id;
    this.#data = [];
    this.#name = "";
    this.#size = 0;
    this.#id = undefined;
    if (!data) return;
    if (this.#retry !== undefined) event.retry = this.#retry; // one that came alone goes with the next event
    this.#retry = undefined;
    event.data = JSON.parse(data);
    yield event;
  }
}
