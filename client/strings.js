// Every word that the component says. `element.strings = {send: "Senden", …}` replaces any of them.

export const STRINGS = {
  comments: "Comments",
  pinned: "Pinned",
  empty: "No comments yet.",
  earlier: "Earlier comments",
  newer: "{n} new",
  connecting: "Connecting…",
  live: "Live",
  replay: "Replay",
  ended: "Ended",
  behind: "Catching up…",
  offline: "Connection lost. Trying again…",
  full: "No room. Trying again…",
  placeholder: "Say something",
  send: "Send",
  left: "{n} left",
  over: "{n} too many",
  signIn: "Sign in to comment.",
  again: "Try again",
  discard: "Discard",
  undo: "Undo",
  delete: "Delete",
  hide: "Hide for everybody",
  pin: "Pin",
  unpin: "Unpin",
  report: "Report",
  mute: "Mute {name}",
  deleteDone: "Deleted.",
  hideDone: "Hidden for everybody.",
  pinDone: "Pinned.",
  unpinDone: "Unpinned.",
  reportDone: "Reported. Thank you.",
  muteDone: "{name} is muted.",
  tools: "For the comment by {name}",
  said: "{name}: {text}",
  many: "{n} new comments",

  // Refusals, by the server's code …
  token_expired: "You have been signed out. Sign in again.",
  not_yours: "This comment is somebody else’s.",
  no_such_comment: "This comment is gone.",
  no_such_video: "This video is not known here.",
  text_empty: "Say something first.",
  text_too_long: "Too long: {limit} characters at most.",
  text_control_characters: "It has characters that nobody can see. Type it again.",
  too_large: "Too long for a comment.",
  address_rate: "Too many comments from where you are. Send it again in {wait} s.",
  global_rate: "Too many comments just now. Send it again in {wait} s.",
  // … or, for those that are one thing to a person, by its kind. Of codes that nobody here knows the server's sentence is shown.
  unauthenticated: "Sign in again, then send it.",
  forbidden: "This is not open to you.",
  too_fast: "That was fast. Send it again in {wait} s.",
  faulty: "This page has asked for something odd. Load it again.",
  unavailable: "Not possible just now. Try again in a moment.",
  unreachable: "The server can’t be reached. Are you online?",
};

/** @type {Record<number, string>} by HTTP status */
const KINDS = { 400: "faulty", 401: "unauthenticated", 403: "forbidden", 404: "faulty", 405: "faulty", 408: "unavailable", 429: "too_fast", 431: "faulty" };

/** @typedef {Partial<Record<keyof typeof STRINGS | (string & {}), string>>} Strings */

export class Words {
  /** @type {Strings} */
  own = {};

  /** @param {string} name @param {Record<string, any>} [values] put where `{…}` stands */
  say(name, values = {}) {
    const all = /** @type {Strings} */ (STRINGS);
    return (this.own[name] ?? all[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
  }

  /** Why something was refused, for a person. @param {import("./problem.js").Problem} problem */
  refusal({ code, status, message, extra, retryAfter = 1_000 }) {
    const values = { ...extra, wait: Math.ceil(retryAfter / 1000) };
    const kind = KINDS[status] ?? (status < 500 ? "" : "unavailable");
    const name = [code, kind].find((name) => name in this.own || name in STRINGS);
    return name ? this.say(name, values) : message;
  }
}
