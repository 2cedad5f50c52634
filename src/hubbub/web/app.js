// The development page: a video's comments as they come, and a box to post one as a guest.
//
// What is shown comes from the stream alone, one's own comments too, so that everybody sees one order.

import { part } from "./dom.js";
import { clear, fill, markOwn, pin, restore, setPins, show, startList, toEnd, unpin, vanish } from "./list.js";
import { becomeGuest, currentGuest, onGuestChange, Problem, request, requestAs } from "./server.js";

/** @typedef {import("./list.js").Comment} Comment */

const REOPEN_AFTER = 5_000; // ms

const video = new URLSearchParams(location.search).get("video") || "demo";
const comments = `/v1/videos/${encodeURIComponent(video)}/comments`;

// --- watching -----------------------------------------------------------------------------------------------------------

const AWAY = new Map([
  ["draining", "The server is restarting; back in a moment"],
  ["full", "The server has no room for another viewer; trying again"],
  ["unavailable", "The server can’t reach its store; trying again"],
]);

/** @param {"live" | "waiting" | "bad"} mood @param {string} words */
function tell(mood, words) {
  const state = part("state", HTMLParagraphElement);
  if (state.textContent === words) return; // a screen reader would say it again
  state.dataset["mood"] = mood;
  state.textContent = words;
}

/** @param {string} [place] the `id:` of the last event that was seen */
function watch(place) {
  const query = new URLSearchParams({ batch: "1", backlog: "100" });
  if (place) query.set("last_event_id", place);
  const stream = new EventSource(`${comments}/stream?${query}`);
  let sentAway = false;

  /** @param {string} name @param {(data: any) => void} handle */
  const on = (name, handle) =>
    stream.addEventListener(name, (event) => {
      place = event.lastEventId || place;
      handle(JSON.parse(event.data));
    });
  on("welcome", (welcome) => {
    sentAway = false;
    const others = welcome.viewers - 1;
    tell("live", others ? `Live · ${others} more here when you came` : "Live · nobody else here when you came");
    part("empty", HTMLParagraphElement).textContent = "Nobody has said anything here yet. Be the first.";
    setPins(welcome.pins);
    if (!welcome.resumed) fill();
  });
  on("comment_batch", arrive);
  on("comment", (comment) => arrive([comment]));
  on("comment_restored", restore);
  on("comment_deleted", ({ id }) => vanish(id));
  on("comment_hidden", ({ id }) => vanish(id));
  on("comment_pinned", pin);
  on("comment_unpinned", ({ id }) => unpin(id));
  on("reset", (reset) => {
    fill();
    clear();
    setPins(reset.pins);
  });
  on("reconnect", ({ reason }) => {
    sentAway = true;
    tell("waiting", AWAY.get(reason) ?? "The server asked this page to come back; trying again");
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) void reopen(place);
    else if (!sentAway) tell("waiting", "Connection lost; trying again");
  });
}

/** The browser gives up for good on any 4xx or 5xx: find out which it was. @param {string} [place] */
async function reopen(place) {
  try {
    await request("GET", `${comments}?limit=1`);
  } catch (error) {
    if (error instanceof Problem && error.status >= 400 && error.status < 500) {
      tell("bad", error.message);
      return;
    }
  }
  tell("waiting", "Connection lost; trying again");
  setTimeout(watch, REOPEN_AFTER, place);
}

/** @param {Comment[]} batch */
function arrive(batch) {
  show(batch);
  const own = currentGuest()?.user.id;
  if (attempt && batch.some(({ nonce, user }) => nonce === attempt?.key && user.id === own)) posted();
}

// --- posting ------------------------------------------------------------------------------------------------------------

const box = part("text", HTMLTextAreaElement);
const nameBox = part("name", HTMLInputElement);

/** @type {{text: string, key: string} | undefined} the comment being sent: sending it again under its key can't make two */
let attempt;

async function post() {
  const text = box.value.trim();
  if (!text || box.readOnly) return;
  if (attempt?.text !== text) attempt = { text, key: crypto.randomUUID() };
  const { key } = attempt;
  const name = nameBox.value.trim();
  complain();
  box.readOnly = true;
  try {
    const guest = currentGuest();
    const as = guest?.asked === name ? guest : await becomeGuest(name);
    await requestAs(as, "POST", comments, { text, nonce: key }, { "Idempotency-Key": key });
    if (attempt?.key === key) posted();
  } catch (error) {
    if (attempt?.key === key) complain(error);
  } finally {
    box.readOnly = false;
    markOwn();
  }
}

/** The comment has arrived: the answer says so, or the stream, whichever is first. */
function posted() {
  attempt = undefined;
  box.value = "";
  complain();
  toEnd();
}

/** @param {string} id */
async function remove(id) {
  const guest = currentGuest();
  if (!guest) return;
  complain();
  try {
    await requestAs(guest, "DELETE", `${comments}/${id}`);
  } catch (error) {
    complain(error);
  }
}

/** The curl lines. The video's id is known to be one: it can't smuggle anything into somebody's shell. */
function showLines() {
  const token = `$(curl -sX POST '${location.origin}/dev/guest' | cut -d'"' -f4)`;
  part("curl-watch", HTMLElement).textContent = `curl -N '${location.origin}${comments}/stream'`;
  part("curl-post", HTMLElement).textContent =
    `curl -sX POST '${location.origin}${comments}' -H "Authorization: Bearer ${token}"` +
    ` -H 'Content-Type: application/json' -d '{"text":"Hello!"}'`;
  for (const line of document.querySelectorAll(".line")) {
    const button = line.querySelector("button");
    button?.addEventListener("click", async () => {
      await navigator.clipboard.writeText(line.querySelector("code")?.textContent ?? "");
      button.textContent = "Copied";
    });
  }
}

/** @param {unknown} [error] nothing: there is no longer anything to complain about */
function complain(error) {
  const words = error instanceof Error ? error.message : String(error ?? "");
  part("problem", HTMLParagraphElement).textContent = words;
}

// --- the page -----------------------------------------------------------------------------------------------------------

part("post", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  box.focus();
  void post();
});
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  void post();
});

const videoBox = part("video", HTMLInputElement);
part("choose", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  location.search = `?${new URLSearchParams({ video: videoBox.value })}`;
});

document.title = `${video} · Hubbub`;
videoBox.value = video;
nameBox.value = currentGuest()?.asked ?? "";
onGuestChange(markOwn);
startList((id) => void remove(id));
if (videoBox.checkValidity()) {
  showLines();
  watch();
} else {
  tell("bad", "A video’s id is 1 to 128 of A-Z a-z 0-9 . _ -");
  part("post", HTMLFormElement).hidden = part("terminal", HTMLDetailsElement).hidden = true;
}
