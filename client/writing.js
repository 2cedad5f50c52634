import { Box } from "./box.js";
import { make } from "./dom.js";

/** @typedef {import("./hubbub.js").Draft} Draft */

/** From the box to the list: a comment is shown at once, and again and again tried until it is kept or refused. */
export class Writing {
  #room;
  #view;
  #place;
  /** @type {Map<string, Draft>} by nonce */
  #drafts = new Map();
  #slot = make("slot", { name: "sign-in" });
  sign = make("div", { part: "sign-in", hidden: true }, this.#slot);

  /** @param {import("./room.js").Room} room @param {import("./view.js").View} view @param {() => number | undefined} place of the player, in seconds */
  constructor(room, view, place) {
    this.#room = room;
    this.#view = view;
    this.#place = place;
    this.box = new Box(room.words, (text) => void this.post(text).catch(() => {}));
  }

  reword() {
    this.box.reword();
    this.#slot.textContent = this.#room.words.say("signIn");
  }

  /** The box for who may write, the way to sign in for who is not. @param {boolean} readonly */
  async show(readonly) {
    const { tokens } = this.#room.hubbub;
    const token = await tokens.current().catch(() => "");
    const may = tokens.may("post") || !("scope" in tokens.claims);
    this.box.form.hidden = readonly || !token || !may;
    this.sign.hidden = readonly || !!token;
  }

  /** @param {string} text */
  async post(text) {
    const { hubbub, video } = this.#room;
    const draft = hubbub.draft(video, text);
    const { nonce } = draft;
    const token = await hubbub.tokens.current().catch(() => "");
    const { sub = "", name = sub, roles } = token ? hubbub.tokens.claims : {};
    const user = { id: sub, name, ...(roles && { roles }) };
    this.#drafts.set(nonce, draft);
    this.#view.list.echo({ id: nonce, nonce, user, text, created_at: Date.now(), offset: this.#place() ?? null });
    this.#view.toEnd();
    return this.#send(draft);
  }

  /** What is on its way is of another video than the one that is shown now. */
  forget() {
    for (const nonce of this.#drafts.keys()) this.decide(nonce, false);
  }

  /** Send once more, or not at all, what was not kept. @param {string} nonce @param {boolean} again */
  decide(nonce, again) {
    const { list } = this.#view;
    const draft = this.#drafts.get(nonce);
    if (again && draft) {
      list.failed(nonce);
      this.#send(draft).catch(() => {});
    } else {
      this.#drafts.delete(nonce);
      list.remove(nonce);
    }
  }

  /** @param {Draft} draft */
  async #send(draft) {
    const { box } = this;
    const room = this.#room;
    const { list } = this.#view;
    const { nonce, text } = draft;
    try {
      const comment = await draft.send();
      list.arrived(nonce, comment);
      this.#drafts.delete(nonce);
      room.tell("post", comment);
      return comment;
    } catch (error) {
      const problem = room.fail(error);
      if (problem.code === "text_too_long") box.limit = problem.extra["limit"] ?? box.limit;
      if (!problem.passing && box.giveBack(text)) {
        this.decide(nonce, false);
        box.complain(room.words.refusal(problem));
      } else list.failed(nonce, problem);
      throw problem;
    }
  }
}
