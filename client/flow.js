import { Announcer } from "./announcer.js";
import { Pacer } from "./pacing.js";

/** @typedef {import("./model.js").Comment} Comment */

/** From a feed to the view: paced where it is live, announced, told to the page. */
export class Flow {
  #room;
  #view;
  #pacer = new Pacer((comments, earlier, calm) => this.#arrive(comments, earlier, calm));

  /** @param {import("./room.js").Room} room @param {import("./view.js").View} view */
  constructor(room, view) {
    this.#room = room;
    this.#view = view;
    this.announcer = new Announcer(room.words);
  }

  /** @param {import("./room.js").Feed} feed */
  follow(feed) {
    const { list } = this.#view;
    feed
      .on("picture", (comments) => {
        this.#pacer.clear();
        list.told = this.#room.replay ? Infinity : 0; // a replay's picture is of its last minutes
        list.replace(comments);
        this.#view.toEnd();
      })
      .on("comments", ({ comments, earlier }) => (this.#room.replay ? this.#arrive(comments) : this.#pacer.add(comments, earlier)))
      .on("gone", (id) => {
        this.#pacer.drop(id);
        list.remove(id);
      })
      .on("back", (comment) => {
        this.#pacer.flush(); // its place is among these
        list.restore(comment);
      })
      .on("pins", (pins) => this.#view.showPins(pins));
  }

  stop() {
    this.#pacer.clear();
    this.announcer.stop();
  }

  /**
   * @param {Comment[]} comments @param {boolean} [earlier] not to be announced @param {boolean} [calm] to be let in one by one:
   * a browser may paint the whole list for every step of a movement
   */
  #arrive(comments, earlier = false, calm = true) {
    const { list } = this.#view;
    list.add(comments, calm && !earlier);
    if (earlier) return;
    const heard = comments.filter(({ user }) => !list.muted.has(user.id) && user.id !== this.#room.me);
    if (heard.length) this.announcer.tell(heard);
    for (const comment of comments) this.#room.tell("comment", comment);
  }
}
