// What the pages have in development only: guests, the demo, and lines to copy.

import { call, part } from "./page.js";

const KEPT = "hubbub-guest"; // in localStorage

/** @typedef {{name: string, moderator: boolean, token?: string}} Guest */

/** @returns {Guest} */
export function guest() {
  try {
    return { name: "", moderator: false, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
  } catch {
    return { name: "", moderator: false };
  }
}

/** @param {Guest} guest */
export function keepGuest(guest) {
  localStorage.setItem(KEPT, JSON.stringify(guest));
}

/** The guest's token; a new one when the last was refused or there is none. @param {boolean} [renew] @returns {Promise<string>} */
export async function guestToken(renew = false) {
  const { name, moderator, token } = guest();
  if (token && !renew) return token;
  const made = await call("POST", "/dev/guest", { body: { ...(name && { name }), moderator } });
  keepGuest({ name, moderator, token: made.token });
  return made.token;
}

/** Somebody who may start and end videos, for this moment. @returns {Promise<string>} */
export async function hostToken() {
  return (await call("POST", "/dev/guest", { body: { name: "Host", moderator: true } })).token;
}

/** The button that starts the demo, or finds it playing, and leads to it. @param {(words: string) => void} tell */
export function offerDemo(tell) {
  const button = part("demo", HTMLButtonElement);
  button.hidden = false;
  const plays = (/** @type {{video_id: string | null, ends_at: number | null}} */ { video_id, ends_at }) => {
    if (!ends_at) return;
    button.textContent = "Watch the demo";
    button.hidden = location.pathname === `/watch/${video_id}`;
  };
  call("GET", "/dev/demo").then(plays, () => {});
  button.addEventListener("click", async () => {
    tell("");
    button.disabled = true;
    try {
      const { video_id } = await call("POST", "/dev/demo");
      location.assign(`/watch/${video_id}`);
    } catch (error) {
      tell(String(/** @type {Error} */ (error).message));
    } finally {
      button.disabled = false;
    }
  });
}

/** Fill in the lines that can be copied. The video's id is known to be one: it can't smuggle anything into a shell. @param {string} video */
export function showLines(video) {
  const { origin } = location;
  const comments = `${origin}/v1/videos/${video}/comments`;
  const token = `$(curl -sX POST '${origin}/dev/guest' | cut -d'"' -f4)`;
  part("embed", HTMLElement).textContent =
    `<script type="module" src="${origin}/client/v1/hubbub-comments.js"></script>\n` +
    `<hubbub-comments video="${video}" mode="auto"></hubbub-comments>`;
  part("curl-watch", HTMLElement).textContent = `curl -N '${comments}/stream'`;
  part("curl-post", HTMLElement).textContent =
    `curl -sX POST '${comments}' -H "Authorization: Bearer ${token}"` +
    ` -H 'Content-Type: application/json' -d '{"text":"Hello!"}'`;
  for (const line of document.querySelectorAll(".line")) {
    const button = line.querySelector("button");
    if (!button) continue;
    button.textContent = "Copy";
    button.onclick = async () => {
      await navigator.clipboard.writeText(line.querySelector("code")?.textContent ?? "");
      button.textContent = "Copied";
    };
  }
}
