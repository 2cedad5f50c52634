const PAGE = 100; // comments at a time

/** From history to the list's top: what was said before all that is shown. */
export class Earlier {
  #room;
  #view;
  #loading = false;

  /** @param {import("./room.js").Room} room @param {import("./view.js").View} view */
  constructor(room, view) {
    this.#room = room;
    this.#view = view;
  }

  /** One page; rejects with a Problem. */
  async load() {
    const { list } = this.#view;
    const { reached } = list;
    if (this.#loading || !reached) return;
    this.#loading = true;
    const { hubbub, video } = this.#room;
    const page = await hubbub.api.history(video, { limit: PAGE, after: reached }).finally(() => (this.#loading = false));
    // Unless what is shown has been replaced meanwhile.
    if (reached === list.reached) this.#view.addEarlier(page.comments.reverse(), page.has_more);
  }
}
