// One stream for all tabs of an origin: a browser has six connections to a server over HTTP/1.1.
//
// Whoever holds the Web Lock keeps the stream and tells the others by BroadcastChannel; when that tab closes, the browser
// gives the lock to the next, who resumes from the place it has reached itself. Tells are
// numbered: who sees a hole, or is new, asks for the whole picture. A leader that does not answer is deposed.

import { Emitter } from "./emitter.js";
import { Picture } from "./picture.js";

const ANSWER_WITHIN = 2_500; // ms
const SILENT = 20_000; // ms after which a tab asks whether the leader is still there: the browser may have frozen it

/** @typedef {import("./model.js").Happening} Happening */
/** @typedef {import("./model.js").State} State */
/** @typedef {import("./session.js").Session} Session */

export function canShare() {
  return typeof BroadcastChannel === "function" && !!globalThis.navigator?.locks;
}

/** Emits what a Session does, and `role` (true: this tab keeps the stream). */
export class SharedSession extends Emitter {
  #session;
  /** @type {State} */
  state = { state: "connecting" };
  leads = false;
  #me = Math.random().toString(36).slice(2);
  #leader = "";
  #number = 0;
  #picture = new Picture();
  /** @type {AbortController | undefined} */
  #running;
  /** @type {BroadcastChannel | undefined} */
  #channel;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #nudging;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watching;
  #heard = 0;

  /** @param {string} name what is shared @param {Session} session this tab's own, kept still while another tab leads */
  constructor(name, session) {
    super();
    this.name = name;
    this.#session = session;
    session.on("event", (event) => this.leads && this.#happen(event, session.place));
    session.on("state", (state) => this.leads && this.#stand(state));
    session.on("error", (problem) => {
      this.#tell({ kind: "error" });
      this.emit("error", problem);
    });
  }

  start() {
    if (this.#running) return this.#session.start(); // again, after it gave up
    this.#running = new AbortController();
    this.#channel = new BroadcastChannel(this.name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || this.leads || this.#ask(), {
      signal: this.#running.signal,
    });
    this.#watching = setInterval(() => Date.now() - this.#heard < SILENT || globalThis.document?.hidden || this.#ask(), SILENT / 4);
    this.#campaign(false);
    this.#ask();
  }

  stop() {
    this.#running?.abort();
    this.#running = undefined;
    this.#session.stop();
    this.leads = false;
    this.#channel?.close();
    clearInterval(this.#watching);
    clearTimeout(this.#waiting);
    clearTimeout(this.#nudging);
  }

  nudge() {
    if (this.leads) this.#session.nudge();
    else this.#tell({ kind: "nudge" });
  }

  /** Wait for the lock, or take it. @param {boolean} steal */
  #campaign(steal) {
    const running = this.#running;
    if (!running) return;
    const lead = () =>
      new Promise((resolve) => {
        if (running.signal.aborted) return resolve(undefined);
        running.signal.addEventListener("abort", resolve);
        this.#lead();
      });
    const options = steal ? { steal } : { signal: running.signal };
    navigator.locks.request(this.name, options, lead).catch(() => {
      if (running.signal.aborted || steal !== this.leads) return;
      this.leads = false; // deposed, by a tab that heard nothing from this one
      this.#session.stop();
      this.emit("role", false);
      this.#campaign(false);
      this.#ask();
    });
  }

  #lead() {
    clearTimeout(this.#waiting);
    clearTimeout(this.#nudging);
    this.leads = true;
    this.#leader = this.#me;
    this.#number = 0;
    this.emit("role", true);
    this.#tell({ kind: "lead" });
    this.#session.start();
  }

  /** As a newcomer, or after a hole: what is there? */
  #ask() {
    if (this.leads) return;
    this.#tell({ kind: "ask" });
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(async () => {
      const { held = [] } = await navigator.locks.query();
      // A page that can't be seen has time; and where nobody holds the lock, it is on its way to somebody.
      if (!this.leads && !globalThis.document?.hidden && held.some(({ name }) => name === this.name)) this.#campaign(true);
    }, ANSWER_WITHIN);
  }

  /** @param {object} message */
  #tell(message) {
    if (!this.#running) return;
    this.#channel?.postMessage({ ...message, from: this.#me });
  }

  /** In the leader: pass on. @param {Happening} event @param {string} place */
  #happen(event, place) {
    this.#take(event);
    this.#tell({ kind: "event", event, place, number: ++this.#number });
  }

  /** @param {State} state */
  #stand(state) {
    this.state = state;
    this.emit("state", state);
    if (!this.leads) {
      // Timers of a hidden leader are slow; those of a tab that somebody looks at are not.
      clearTimeout(this.#nudging);
      if (state.wait !== undefined) this.#nudging = setTimeout(() => this.nudge(), state.wait + 200);
    } else this.#tell({ kind: "state", state });
  }

  /** @param {any} message */
  #hear({ kind, from, to, event, place, number, state, picture }) {
    if (this.leads) {
      if (kind === "ask" && this.#session.place) {
        const { place, state } = this.#session;
        this.#tell({ kind: "picture", to: from, picture: this.#picture.all, place, state, number: this.#number });
      } else if (kind === "ask") this.#tell({ kind: "lead" });
      else if (kind === "nudge") this.#session.nudge();
      return;
    }
    if (kind === "lead" || (kind === "picture" && to === this.#me)) {
      clearTimeout(this.#waiting);
      const missed = kind === "picture" && (from !== this.#leader || number !== this.#number);
      this.#leader = from;
      this.#number = number ?? 0;
      if (missed) this.#draw(picture, place);
    }
    if (from !== this.#leader) return;
    this.#heard = Date.now();
    if (state) this.#stand(state);
    if (kind === "event") {
      if (number !== this.#number + 1) return this.#ask();
      this.#number = number;
      this.#session.place = place;
      this.#take(event);
    }
  }

  /** Begin anew from a leader's picture. @param {import("./picture.js").Whole} whole @param {string} place */
  #draw({ comments, welcome, pins }, place) {
    this.#session.place = place;
    this.#take({ name: "reset", data: { ...welcome, pins, reason: "asleep" } });
    this.#take({ name: "comments", data: comments, earlier: true });
  }

  /** @param {Happening} event */
  #take(event) {
    this.#picture.apply(event);
    this.emit("event", event);
  }
}
