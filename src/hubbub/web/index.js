// What is on: the videos that the server was told of, looked up again every few seconds.

import { guestToken, offerDemo, showLines } from "./developing.js";
import { call, clockTime, dateOf, inDevelopment, keepDoing, linkToken, make, part, stateOf, watching, withToken } from "./page.js";

/** @typedef {import("./stage.js").Video} Video */

const AGAIN = 5_000; // ms
const MOST = 24; // of a state
const STATES = /** @type {const} */ (["live", "upcoming", "ended"]);

/** @type {Map<string, string>} what was last drawn of a state, so that what stays the same is left alone */
const drawn = new Map();

/** @param {Video} video */
function card(video) {
  const { video_id, title, state, started_at, ended_at, viewers } = video;
  const long = started_at && ended_at ? clockTime((ended_at - started_at) / 1000) : "";
  const facts = {
    live: [watching(viewers)],
    upcoming: [started_at ? dateOf(started_at) : "No time is set", ...(viewers ? [watching(viewers)] : [])],
    ended: [...(ended_at ? [dateOf(ended_at)] : []), ...(viewers ? [watching(viewers)] : [])],
  }[state];
  const badge = make("span", "badge", long || stateOf(video));
  badge.dataset["state"] = state;
  const picture = make("span", "picture", badge);
  picture.style.setProperty("--hue", String(hueOf(video_id)));
  const name = make("span", "name", title ?? video_id);
  name.dir = "auto";
  const link = make("a", "card", picture, name, make("span", "facts", facts.join(" · ")));
  link.href = withToken(`/watch/${video_id}`);
  return make("li", "", link);
}

/** A video's colour, in degrees. @param {string} text */
function hueOf(text) {
  let hash = 7;
  for (const letter of text) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash % 360;
}

/** @param {typeof STATES[number]} state @param {{videos: Video[], has_more: boolean}} page */
function show(state, { videos, has_more }) {
  const now = JSON.stringify([videos, has_more]);
  if (drawn.get(state) === now) return;
  drawn.set(state, now);
  const section = part(state, HTMLElement);
  const list = section.querySelector("ul");
  const focused = list?.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : undefined;
  // The next to begin stands first.
  const inOrder = state === "upcoming" ? [...videos].sort((a, b) => (a.started_at ?? Infinity) - (b.started_at ?? Infinity)) : videos;
  list?.replaceChildren(...inOrder.map(card));
  if (focused) /** @type {HTMLElement | null} */ (list?.querySelector(`a[href="${CSS.escape(focused)}"]`))?.focus();
  section.hidden = !videos.length;
  section.querySelector(".more")?.remove();
  if (has_more) section.append(make("p", "more", `These are ${MOST} of them; /v1/videos?state=${state} lists all.`));
}

/** @param {string} words */
function complain(words) {
  const problem = part("problem", HTMLElement);
  problem.textContent = words;
  problem.hidden = !words;
}

async function look() {
  try {
    const token = linkToken ?? (inDevelopment ? await guestToken() : null);
    const pages = await Promise.all(STATES.map((state) => call("GET", `/v1/videos?state=${state}&limit=${MOST}`, { token })));
    STATES.forEach((state, i) => show(state, pages[i]));
    part("empty", HTMLElement).hidden = pages.some(({ videos }) => videos.length);
    complain("");
  } catch (error) {
    complain(`${/** @type {Error} */ (error).message} Trying again.`);
    if (inDevelopment) await guestToken(true).catch(() => {}); // the last one may be of another server
  }
}

if (inDevelopment) {
  offerDemo((words) => (part("trouble", HTMLElement).textContent = words));
  showLines("my-stream");
  const field = part("video", HTMLInputElement);
  part("open", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    location.assign(`/watch/${field.value}`);
  });
  field.addEventListener("input", () => showLines(field.validity.valid && field.value ? field.value : "my-stream"));
}
keepDoing(AGAIN, look);
