// Asking the server, as nobody or as a guest.

/** @typedef {{id: string, name: string, roles?: string[]}} User */
/** @typedef {{token: string, user: User, asked: string, until: number}} Guest `asked`: the name typed; `until` in ms */

const ANSWER_WITHIN = 10_000; // ms
const GUEST_LASTS = 23 * 3_600_000; // ms; the token itself lasts a day
const KEPT_AS = "hubbub-guest";

/** What went wrong, in words for the person; `status` is 0 when there was no answer. */
export class Problem extends Error {
  /** @param {string} words @param {number} status */
  constructor(words, status) {
    super(words);
    this.status = status;
  }
}

/**
 * The JSON that the server answers, or null. Throws a Problem.
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
export async function request(method, path, body, headers = {}) {
  /** @type {RequestInit} */
  const init = { method, headers, signal: AbortSignal.timeout(ANSWER_WITHIN) };
  if (body) {
    init.headers = { "Content-Type": "application/json", ...headers };
    init.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Problem("The server can’t be reached just now. Try again in a moment.", 0);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw new Problem(answer?.detail ?? `The server answered ${response.status} ${response.statusText}.`, response.status);
}

/** @type {Guest | undefined} */
let guest = recall();

/** @returns {Guest | undefined} the guest that this browser is, if it has been one today */
export function currentGuest() {
  return guest && guest.until > Date.now() ? guest : undefined;
}

/** @returns {Guest | undefined} */
function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEPT_AS) ?? "null") ?? undefined;
  } catch {
    return undefined; // a browser that keeps nothing: a guest until the page is left
  }
}

/** Another tab may become another guest. @param {() => void} changed */
export function onGuestChange(changed) {
  addEventListener("storage", () => {
    guest = recall();
    changed();
  });
}

/** @param {string} name @returns {Promise<Guest>} */
export async function becomeGuest(name) {
  const given = await request("POST", "/dev/guest", name ? { name } : {});
  /** @type {Guest} */
  const made = { ...given, asked: name, until: Date.now() + GUEST_LASTS };
  guest = made;
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(made));
  } catch {
    // as in `recall`
  }
  return made;
}

/**
 * A request in a guest's name; a token that is not taken any more is replaced once.
 * @param {Guest} as
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {Record<string, string>} [headers]
 */
export async function requestAs(as, method, path, body, headers) {
  try {
    return await request(method, path, body, { ...headers, Authorization: `Bearer ${as.token}` });
  } catch (error) {
    if (!(error instanceof Problem && error.status === 401)) throw error;
    const { token } = await becomeGuest(as.asked);
    return request(method, path, body, { ...headers, Authorization: `Bearer ${token}` });
  }
}
