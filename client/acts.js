/** @typedef {import("./list.js").Entry} Entry */

const MUTED = "hubbub-muted";

/** What one may do to a comment: its author, a moderator, a reader for themselves. */
export class Acts {
  #room;
  #view;
  #status;
  #complain;
  /**
   * @param {import("./room.js").Room} room
   * @param {import("./view.js").View} view
   * @param {import("./status.js").Status} status
   * @param {(problem: import("./problem.js").Problem) => void} complain
   */
  constructor(room, view, status, complain) {
    this.#room = room;
    this.#view = view;
    this.#status = status;
    this.#complain = complain;
    for (const id of remembered()) view.list.muted.add(id);
  }

  /** By name. @param {Entry} entry @param {boolean} pinned @param {boolean} reports */
  offers({ user }, pinned, reports) {
    const { hubbub, me } = this.#room;
    const own = user.id === me;
    const moderates = hubbub.tokens.may("moderate");
    return [
      moderates && (pinned ? "unpin" : "pin"),
      moderates && !own && "hide",
      (own || moderates) && "delete",
      !own && reports && me && "report",
      !own && "mute",
    ].filter((what) => typeof what === "string");
  }

  /** @param {string} what @param {Entry} entry */
  async act(what, { id, user }) {
    const { feed, hubbub, video, words } = this.#room;
    const say = (/** @type {(() => void) | undefined} */ undo) => this.#status.notice(words.say(`${what}Done`, user), undo);
    if (what === "mute") {
      this.mute(user.id);
      return say(() => this.mute(user.id, false));
    }
    try {
      await hubbub.api.act(/** @type {"hide"} */ (what), video, id);
      if (/hide|delete/.test(what) && feed && "drop" in feed) feed.drop(id);
      say(undefined);
    } catch (error) {
      this.#complain(this.#room.fail(error));
    }
  }

  /** Not to see somebody, or to see them again. @param {string} userId @param {boolean} muted */
  mute(userId, muted = true) {
    const { list } = this.#view;
    list.mute(userId, muted);
    this.#view.settle();
    remembered(list.muted);
  }
}

/** Who is muted is kept in the browser, where it keeps anything. @param {Set<string>} [muted] @returns {string[]} */
function remembered(muted) {
  try {
    if (muted) localStorage.setItem(MUTED, JSON.stringify([...muted]));
    return JSON.parse(localStorage.getItem(MUTED) ?? "[]");
  } catch {
    return []; // it is forgotten when the page is left
  }
}
