// What a list shows, apart from how it looks: which comments, in which order, and no more than a browser bears.

import { Known } from "./model.js";

/** @typedef {import("./model.js").Comment} Comment */
/**
 * A comment as it is shown. `sending`: it is on its way; `failed`: why it did not arrive; `ahead`: it
 * is kept, and the stream has not come to it yet.
 * @typedef {Comment & {sending?: boolean, ahead?: boolean, failed?: import("./problem.js").Problem | undefined}} Entry
 */
/**
 * Where it is shown. `put` before the entry `next` (undefined: at the end); `fresh`: it has just been said.
 * `newest`: the newest comments there are, some 200.
 * @typedef {{put: (entry: Entry, next: Entry | undefined, fresh: boolean) => void, remove: (entry: Entry) => void,
 *   change: (entry: Entry) => void, newest: () => Comment[]}} Surface
 */

export const FOLLOWING = 200; // comments kept at the newest end
export const READING = 1_000; // and while somebody reads further up
const FULL = 100; // comments of a first picture: fewer were all there is
const REMEMBERED = 5_000;

export class CommentList {
  #surface;
  /** @type {Entry[]} oldest first */
  entries = [];
  /** @type {Map<string, Entry>} */
  #byId = new Map();
  /** @type {string | undefined} */
  #reached; // by pages of history, whose last comments may not be shown: muted, or gone
  told = 0; // comments since the picture began, shown or not
  #torn = false; // there are newer ones than are shown: who reads up there meets them at the end
  #gone = new Known(REMEMBERED);
  following = true;
  unread = 0;
  complete = false; // there is nothing earlier
  /** @type {Set<string>} ids of people whom this reader does not want to see */
  muted = new Set();

  /** @param {Surface} surface */
  constructor(surface) {
    this.#surface = surface;
  }

  /** The id down to which all is here that may be shown: what is earlier than it can be loaded. */
  get reached() {
    return this.#reached ?? (this.#end() ? this.entries[0]?.id : undefined);
  }

  /** Whether there may be earlier ones. */
  get more() {
    return !this.complete && (!!this.#reached || this.told >= FULL);
  }

  /** @param {Comment[]} comments newest last @param {boolean} [fresh] they have just been said, to be looked at one by one */
  add(comments, fresh = true) {
    this.told += comments.length;
    // Those that would be gone again before anybody saw them are not drawn at all.
    if (this.following) comments = comments.slice(-FOLLOWING);
    for (const comment of comments) {
      const there = this.#byId.get(comment.id);
      if (there) there.ahead = false;
      if (there || this.#gone.ids.has(comment.id) || this.muted.has(comment.user.id)) continue;
      const echo = this.#echoOf(comment);
      if (echo) this.#settle(echo, comment);
      else if (!this.following && (this.#torn || this.entries.length >= READING)) this.#torn = true;
      else this.#put(comment, this.#end(comment.id), fresh);
      if (!this.following && !echo) this.unread++;
    }
    this.#trim();
  }

  /** Comments from before the oldest one. @param {Comment[]} comments oldest first @param {boolean} more there are still others */
  addEarlier(comments, more) {
    this.complete = !more;
    this.#reached = comments[0]?.id ?? this.#reached;
    let at = 0;
    for (const comment of comments) {
      if (this.#byId.has(comment.id) || this.#gone.ids.has(comment.id) || this.muted.has(comment.user.id)) continue;
      this.#put(comment, at++, false);
    }
    for (const entry of this.entries.slice(READING, Math.max(this.#end(), READING))) {
      this.#torn = true;
      this.#remove(entry);
    }
  }

  /** A hidden comment is back, in its old place: ids are in the order of time. @param {Comment} comment */
  restore(comment) {
    this.#gone.ids.delete(comment.id);
    if (this.#byId.has(comment.id) || this.muted.has(comment.user.id)) return;
    const at = this.entries.slice(0, this.#end()).findIndex(({ id }) => id > comment.id);
    if (at === 0 && this.more && !(this.#reached && comment.id > this.#reached)) return; // it comes with the earlier ones
    if (at >= 0) this.#put(comment, at, false);
    else if (!this.#torn) this.#put(comment, this.#end(), false);
    this.#trim();
  }

  /** Show just these, keeping what is shown already. @param {Comment[]} comments oldest first */
  replace(comments) {
    comments = comments.filter(({ user }) => !this.muted.has(user.id)).slice(-FOLLOWING);
    const wanted = new Set(comments.map(({ id }) => id));
    for (const entry of [...this.entries]) if (!wanted.has(entry.id) && !entry.sending && !entry.failed) this.#remove(entry);
    this.#torn = this.complete = false;
    this.#reached = undefined;
    this.#gone.ids.clear();
    this.unread = 0;
    let at = 0;
    for (const comment of comments) {
      if (this.entries[at]?.id !== comment.id) {
        const there = this.#byId.get(comment.id);
        if (there) this.#remove(there);
        this.#put(comment, at, false);
      }
      at++;
    }
  }

  /** A comment is deleted or hidden. @param {string} id */
  remove(id) {
    this.#gone.add(id);
    const entry = this.#byId.get(id);
    if (entry) this.#remove(entry);
  }

  /** Not to be shown to this reader, from now on and what there is. @param {string} userId @param {boolean} muted */
  mute(userId, muted = true) {
    if (!muted) {
      this.muted.delete(userId);
      if (this.following) this.replace(this.#surface.newest());
      return;
    }
    this.muted.add(userId);
    for (const entry of [...this.entries]) if (entry.user.id === userId) this.#remove(entry);
  }

  /** The reader is at the newest end again: true when what is shown had to change for that. */
  follow() {
    this.following = true;
    this.unread = 0;
    const torn = this.#torn;
    if (torn) this.replace(this.#surface.newest());
    this.#trim();
    return torn;
  }

  /** Show a comment that is being sent. @param {Comment & {nonce: string}} comment its `id` is its nonce for now */
  echo(comment) {
    const entry = { ...comment, sending: true };
    this.#put(entry, this.entries.length, true);
    this.#trim();
  }

  /** It is kept. @param {string} nonce @param {Comment} comment */
  arrived(nonce, comment) {
    const echo = this.#byId.get(nonce);
    if (!echo) return;
    if (this.#byId.has(comment.id) || this.#gone.ids.has(comment.id)) this.#remove(echo);
    else {
      this.#settle(echo, comment);
      echo.ahead = true;
    }
  }

  /** It is not, or is being tried again. @param {string} nonce @param {import("./problem.js").Problem} [problem] */
  failed(nonce, problem) {
    const echo = this.#byId.get(nonce);
    if (!echo) return;
    echo.sending = !problem;
    echo.failed = problem;
    this.#surface.change(echo);
  }

  /** @param {Comment} comment */
  #echoOf({ nonce, user }) {
    const echo = nonce ? this.#byId.get(nonce) : undefined;
    return echo?.user.id === user.id ? echo : undefined; // anybody may write anybody's nonce
  }

  /** Kept comments stand before those that are on their way; one with this id also before its reader's own later ones. */
  #end(id = "~") {
    let at = this.entries.length;
    for (let last; (last = this.entries[at - 1]) && (last.sending || last.failed || (last.ahead && last.id > id)); ) at--;
    return at;
  }

  /** @param {Entry} echo @param {Comment} comment */
  #settle(echo, comment) {
    const at = this.#end();
    const from = this.entries.indexOf(echo);
    this.#byId.delete(echo.id);
    Object.assign(echo, comment, { sending: false, failed: undefined });
    this.#byId.set(echo.id, echo);
    if (from > at) {
      this.entries.splice(from, 1);
      this.entries.splice(at, 0, echo);
      this.#surface.put(echo, this.entries[at + 1], false);
    }
    this.#surface.change(echo);
  }

  /** @param {Entry} entry @param {number} at @param {boolean} fresh */
  #put(entry, at, fresh) {
    this.entries.splice(at, 0, entry);
    this.#byId.set(entry.id, entry);
    this.#surface.put(entry, this.entries[at + 1], fresh);
  }

  /** @param {Entry} entry */
  #remove(entry) {
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.#byId.delete(entry.id);
    this.#surface.remove(entry);
  }

  #trim() {
    if (!this.following) return;
    for (const entry of this.entries.slice(0, -FOLLOWING)) {
      this.complete = false;
      this.#reached = undefined;
      this.#remove(entry);
    }
  }
}
