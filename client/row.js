import { make } from "./dom.js";

/** @typedef {import("./list.js").Entry} Entry */

/** A page's own way to show what was said: what it returns stands in place of the text. @typedef {(comment: Entry) => Node | string | void} RenderComment */

const letters = new Intl.Segmenter();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/**
 * A comment, as a list's item.
 * @param {Entry} entry @param {boolean} replay whether its time is the video's
 * @param {RenderComment} [render]
 */
export function rowOf(entry, replay, render) {
  const { id, user, text, created_at, offset } = entry;
  const [first] = letters.segment(user.name.trim());
  const at = new Date(created_at);
  const time = replay ? placeOf(offset ?? 0) : (at.toDateString() === new Date().toDateString() ? clock : calendar).format(at);
  const row = make(
    "li",
    { part: "comment", tabIndex: -1 },
    make("span", { part: "avatar", ariaHidden: "true" }, first?.segment.toUpperCase() ?? ""),
    make(
      "p",
      { part: "who" },
      make("bdi", { part: "author" }, user.name),
      ...(user.roles ?? []).slice(0, 2).map((role) => make("bdi", { part: "role" }, role)),
      make("time", { part: "time", dir: "auto", dateTime: at.toISOString() }, time),
    ),
    make("p", { part: "text", dir: "auto" }, render?.(entry) ?? text),
  );
  row.dataset["id"] = id;
  row.style.setProperty("--hue", String(hue(user.id)));
  return row;
}

/** 3723.4 → "1:02:03". @param {number} offset */
function placeOf(offset) {
  const seconds = Math.floor(Math.abs(offset));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts.slice(parts[0] ? 0 : 1).map((part, i) => (i ? String(part).padStart(2, "0") : part));
  return (offset < 0 ? "−" : "") + shown.join(":");
}

/** A person's colour, in degrees: the same everywhere. @param {string} userId */
function hue(userId) {
  let hash = 0;
  for (const letter of userId) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return (hash % 24) * 15;
}
