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
  sending: "Sending…",
  again: "Try again",
  discard: "Discard",
  delete: "Delete",
  hide: "Hide for everybody",
  pin: "Pin",
  unpin: "Unpin",
  report: "Report",
  mute: "Mute {name}",
  tools: "For the comment by {name}",
  said: "{name}: {text}",
  many: "{n} new comments",
  // refusals, by their code or kind; for others the server's own sentence, which says what to change
  too_fast: "That was fast. Send it again in {wait} s.",
  unauthenticated: "Sign in again, then send it.",
  forbidden: "You may read here, but not do this.",
  unavailable: "Not possible just now. Try again in a moment.",
  unreachable: "The server can’t be reached. Are you online?",
};

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
    const general = { 401: "unauthenticated", 403: "forbidden", 429: "too_fast" }[status] ?? (status < 500 ? "" : "unavailable");
    const name = [code, general].find((name) => name in this.own || name in STRINGS);
    return name ? this.say(name, values) : message;
  }
}
