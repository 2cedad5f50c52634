/** @typedef {import("./list.js").Entry} Entry */

const MUTED = "hubbub-muted";

/** What one may do to a comment: its author, a moderator, a reader for themselves. */
export class Acts {
  #room;
  #view;
  #status;
  /**
   * @param {import("./room.js").Room} room
   * @param {import("./view.js").View} view
   * @param {import("./status.js").Status} status
   */
  constructor(room, view, status) {
    this.#room = room;
    this.#view = view;
    this.#status = status;
    for (const id of remembered()) view.list.muted.add(id);
  }

  /** By name. @param {Entry} entry @param {boolean} pinned @param {boolean} reports */
  offers({ user }, pinned, reports) {
    const { hubbub, me } = this.#room;
    const own = user.id === me;
    const moderates = hubbub.tokens.may("moderate");
    const all = [
      moderates && (pinned ? "unpin" : "pin"),
      moderates && !own && "hide",
      (own || moderates) && "delete",
      !own && reports && me && "report",
      !own && "mute",
    ];
    return /** @type {string[]} */ (all.filter(Boolean));
  }

  /** @param {string} what @param {Entry} entry */
  async act(what, { id, user }) {
    const { feed, hubbub, video, words } = this.#room;
    /** @param {() => void} [undo] */
    const say = (undo, told = words.say(`${what}Done`, user)) => this.#status.notice(told, undo);
    if (what === "mute") {
      this.mute(user.id);
      return say(() => this.mute(user.id, false));
    }
    try {
      await hubbub.api.act(/** @type {"hide"} */ (what), video, id);
      if (/hide|delete/.test(what) && feed && "drop" in feed) feed.drop(id);
      say();
    } catch (error) {
      say(undefined, words.refusal(this.#room.fail(error)));
    }
  }

  /** Not to see somebody, or to see them again. @param {string} userId @param {boolean} muted */
  mute(userId, muted = true) {
    const { list } = this.#view;
    list.mute(userId, muted);
    this.#view.showPins();
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
