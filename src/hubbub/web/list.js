// The comments on the page. What people wrote gets there as textContent only.

import { make, part } from "./dom.js";
import { currentGuest } from "./server.js";

/** @typedef {import("./server.js").User} User */
/** @typedef {{id: string, user: User, text: string, created_at: number, nonce?: string}} Comment `created_at` in ms */

const MAX_ROWS = 200;
const MAX_SEEN = 2_000; // ids; beyond it the oldest is forgotten, and a double that comes so late would be shown
const SETTLED_AFTER = 1_000; // ms

const log = part("log", HTMLDivElement);
const rows = part("rows", HTMLOListElement);
const newer = part("newer", HTMLButtonElement);

/** @type {Map<string, HTMLLIElement>} */
const shown = new Map();
/** @type {Set<string>} also of comments that have left the page: a resumed stream may bring one twice */
const seen = new Set();
/** @type {Map<string, Comment>} */
const pins = new Map();

let following = true;
let unread = 0;
let height = 0; // of the log when it last settled
let filling = true;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;
/** @type {(id: string) => void} */
let onRemove = () => {};

/** @param {(id: string) => void} remove what to do when somebody wants a comment of their own gone */
export function startList(remove) {
  onRemove = remove;
  log.addEventListener("scroll", () => {
    if (log.clientHeight !== height) return; // resized, not scrolled by anybody: the observer is about to settle it
    following = log.scrollHeight - log.clientHeight - log.scrollTop < 4;
    if (following && unread) settle();
  });
  new ResizeObserver(settle).observe(log);
  newer.addEventListener("click", () => {
    toEnd();
    log.focus();
  });
}

/** @param {Comment[]} comments in the order of the log */
export function show(comments) {
  const fresh = comments.filter(({ id }) => !seen.has(id) && seen.add(id));
  for (const id of seen) {
    if (seen.size <= MAX_SEEN) break;
    seen.delete(id);
  }
  for (const comment of fresh.slice(-MAX_ROWS)) {
    const made = row(comment);
    made.classList.toggle("arriving", !filling);
    shown.set(comment.id, made);
    rows.append(made);
  }
  unread += fresh.length;
  settle();
}

/** A hidden comment is back, in its old place: ids are in the order of time. @param {Comment} comment */
export function restore(comment) {
  if (shown.has(comment.id)) return;
  let before = rows.lastElementChild;
  while (before instanceof HTMLElement && (before.dataset["id"] ?? "") > comment.id) before = before.previousElementSibling;
  const made = row(comment);
  seen.add(comment.id);
  shown.set(comment.id, made);
  if (before) before.after(made);
  else rows.prepend(made);
  settle();
}

/** A comment is deleted or hidden. @param {string} id */
export function vanish(id) {
  const gone = shown.get(id);
  if (gone?.contains(document.activeElement)) log.focus();
  gone?.remove();
  shown.delete(id);
  unpin(id);
  settle();
}

/** Begin anew: what follows is the newest backlog. */
export function clear() {
  shown.clear();
  seen.clear();
  rows.replaceChildren();
  unread = 0;
  toEnd();
}

/** What comes in this moment is from before: it neither moves nor is read out. */
export function fill() {
  filling = true;
  log.ariaLive = "off";
  clearTimeout(settling);
  settling = setTimeout(() => {
    filling = false;
    log.ariaLive = "polite";
  }, SETTLED_AFTER);
}

/** Go to the newest comment and stay there. */
export function toEnd() {
  following = true;
  settle();
}

/** @param {Comment[]} all instead of the pins there are */
export function setPins(all) {
  pins.clear();
  for (const comment of all) pins.set(comment.id, comment);
  showPins();
}

/** @param {Comment} comment */
export function pin(comment) {
  pins.delete(comment.id);
  pins.set(comment.id, comment);
  showPins();
}

/** @param {string} id */
export function unpin(id) {
  if (pins.delete(id)) showPins();
}

/** Only one's own comments can be removed; call when the guest has changed. */
export function markOwn() {
  const own = currentGuest()?.user.id;
  for (const button of document.querySelectorAll("button.remove")) {
    if (button instanceof HTMLButtonElement) button.hidden = button.closest("li")?.dataset["user"] !== own;
  }
}

function showPins() {
  part("pins", HTMLOListElement).replaceChildren(...[...pins.values()].map(row));
  part("pinned", HTMLElement).hidden = pins.size === 0;
}

/** Hold to the bound on rows, and to the newest comment if that is where the reader is. */
function settle() {
  while (shown.size > MAX_ROWS && rows.firstElementChild instanceof HTMLElement) {
    shown.delete(rows.firstElementChild.dataset["id"] ?? "");
    rows.firstElementChild.remove();
  }
  if (following) {
    log.scrollTop = log.scrollHeight;
    unread = 0;
  }
  height = log.clientHeight;
  newer.hidden = unread === 0;
  newer.textContent = `${unread} new ↓`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const letters = new Intl.Segmenter();

/** @param {Comment} comment */
function row({ id, user, text, created_at }) {
  const made = make("li", "comment");
  made.dataset["id"] = id;
  made.dataset["user"] = user.id;
  made.style.setProperty("--hue", String(hue(user.id)));

  const [initial] = letters.segment(user.name.trim());
  const disc = make("span", "disc", initial?.segment.toUpperCase());
  disc.ariaHidden = "true";

  const at = new Date(created_at);
  const time = make("time", "", (at.toDateString() === new Date().toDateString() ? clock : calendar).format(at));
  time.dateTime = at.toISOString();
  const roles = (user.roles ?? []).slice(0, 2).map((role) => make("bdi", "role", role));
  const who = make("p", "who");
  who.append(make("bdi", "name", user.name), ...roles, time);

  const said = make("p", "said", text);
  said.dir = "auto";

  const remove = make("button", "remove", "Remove");
  remove.ariaLabel = `Remove “${text.slice(0, 60)}”`;
  remove.hidden = user.id !== currentGuest()?.user.id;
  remove.addEventListener("click", () => onRemove(id));
  made.append(disc, who, remove, said);
  return made;
}

/** A person's colour, in degrees: the same everywhere. @param {string} userId */
function hue(userId) {
  let hash = 0;
  for (let i = 0; i < userId.length; i++) hash = (hash * 31 + userId.charCodeAt(i)) >>> 0;
  return (hash % 24) * 15;
}
