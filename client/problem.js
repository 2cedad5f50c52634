/** Why something was not done: a refusal (RFC 9457), or no answer at all (`status` 0, code `unreachable`). */
export class Problem extends Error {
  /**
   * @param {string} message the server's sentence for people
   * @param {{status?: number, code?: string, retryAfter?: number, extra?: Record<string, any>}} [more] `retryAfter` in ms
   */
  constructor(message, { status = 0, code = "unreachable", retryAfter, extra = {} } = {}) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.extra = extra;
  }

  /** Whether the same request may succeed later. */
  get passing() {
    return !this.status || this.status >= 500 || [408, 421, 425, 429].includes(this.status);
  }
}

/** @param {Response} response whose body nobody has read */
export async function problemOf(response) {
  const { status, statusText, headers } = response;
  const extra = await response.json().catch(() => ({}));
  const seconds = Number(headers.get("retry-after") ?? extra?.retry_after ?? NaN);
  return new Problem(extra?.detail ?? `The server answered ${status} ${statusText}.`, {
    status,
    code: extra?.code ?? `http_${status}`,
    extra: extra ?? {},
    ...(seconds >= 0 && { retryAfter: seconds * 1000 }),
  });
}

/** Whatever was thrown, as a Problem. @param {any} error @returns {Problem} */
export function asProblem(error) {
  // By its name: built/replay-feed.js has a class of its own.
  return error?.name === "Problem" ? error : new Problem(String(error?.message ?? error));
}
