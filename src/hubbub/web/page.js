// What all pages do with their document and the server.

/**
 * An element that the page has.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function part(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} #${id}`);
  return found;
}

/**
 * A new element. What strangers wrote gets into a page by this alone, as text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} className
 * @param {...(string | Node)} children
 */
export function make(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

export const inDevelopment = document.body.classList.contains("dev");

/** The token to watch with that the page's own address brought. */
export const linkToken = new URLSearchParams(location.search).get("access_token");

/** An address of ours, with that token. @param {string} path */
export const withToken = (path) => (linkToken ? `${path}?${new URLSearchParams({ access_token: linkToken })}` : path);

/**
 * A call of the server. Rejects with an Error that a person can read.
 * @param {string} method @param {string} path @param {{token?: string | null, body?: unknown}} [more]
 * @returns {Promise<any>}
 */
export async function call(method, path, { token = linkToken, body } = {}) {
  const headers = new Headers();
  if (token) headers.set("authorization", `Bearer ${token}`);
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const response = await fetch(path, init).catch(() => {
    throw new Error("The server can’t be reached.");
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? `The server answered ${response.status}.`);
  return answer;
}

/** Do something now and again every so many ms, but not while nobody looks. @param {number} every @param {() => unknown} what */
export function keepDoing(every, what) {
  const now = () => document.hidden || what();
  setInterval(now, every);
  document.addEventListener("visibilitychange", now);
  now();
}

/** 3723 → "1:02:03". @param {number} seconds */
export function clockTime(seconds) {
  const whole = Math.max(Math.floor(seconds), 0);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts
    .slice(parts[0] ? 0 : 1)
    .map((part, i) => (i ? String(part).padStart(2, "0") : String(part)))
    .join(":");
}

/** How a video stands, in a word. @param {import("./stage.js").Video} video */
export function stateOf({ state, started_at }) {
  return state === "live" ? "Live" : state === "ended" ? "Ended" : started_at ? "Upcoming" : "Not started";
}

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** @param {number} at in ms */
export const dateOf = (at) => dates.format(at);

/** "1 watching". @param {number} viewers */
export const watching = (viewers) => `${viewers} watching`;
