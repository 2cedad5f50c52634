/**
 * Brings a token, or nothing for who is not signed in. `renew`: the last one was refused or has run out.
 * @typedef {(renew: boolean) => string | null | undefined | Promise<string | null | undefined>} GetToken
 */

const EARLY = 30_000; // ms before its end at which a token is no longer used

/** One person's token: asked for when needed, kept while it lasts. */
export class Tokens {
  /** @type {Promise<string> | undefined} */
  #asked;
  #renew = false;
  /** @type {Record<string, any>} what the token says; nothing here is proof of anything */
  claims = {};

  /** @param {GetToken} [get] */
  constructor(get) {
    this.get = get;
  }

  /** The token, "" when there is none. Rejects as `getToken` does. @returns {Promise<string>} */
  async current() {
    if (!this.get) return "";
    if (this.#asked && this.claims["exp"] * 1000 - EARLY < Date.now()) this.forget();
    this.#asked ??= this.#ask(this.get, this.#renew);
    return this.#asked;
  }

  /** The next one is a new one. */
  forget() {
    if (this.#asked) this.#renew = true;
    this.#asked = undefined;
  }

  /** @param {string} scope */
  may(scope) {
    return ` ${this.claims["scope"] ?? ""} `.includes(` ${scope} `);
  }

  /** @param {GetToken} get @param {boolean} renew */
  async #ask(get, renew) {
    try {
      const token = (await get(renew)) || "";
      this.claims = claimsOf(token);
      this.#renew = false;
      if (!token) this.#asked = undefined; // who is not signed in now may be soon
      return token;
    } catch (error) {
      this.#asked = undefined;
      throw error;
    }
  }
}

/** @param {string} token @returns {Record<string, any>} */
function claimsOf(token) {
  try {
    const bytes = atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
  } catch {
    return {}; // no JWT, so nothing to know from it
  }
}
