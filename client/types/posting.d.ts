import { Backoff } from "./backoff.js";
export type Comment = import("./model.js").Comment;
/** A comment being sent: the same one however often it is tried, since nonce and key stay. */
export declare class Draft {
    #private;
    api: import("./api.js").Api;
    video: string;
    text: string;
    meta: object | undefined;
    nonce: string;
    /** @param {import("./api.js").Api} api @param {string} video @param {string} text @param {object} [meta] */
    constructor(api: import("./api.js").Api, video: string, text: string, meta?: object);
    /**
     * Resolves with the comment as it is kept. What may pass (no answer, 5xx) is tried again for a while; rejects with a
     * Problem. Calling it again after that is safe: no second comment comes of it.
     * @param {{signal?: AbortSignal, backoff?: Backoff, patience?: number}} [options] `patience` in ms
     * @returns {Promise<Comment>}
     */
    send({ signal, backoff, patience }?: {
        signal?: AbortSignal;
        backoff?: Backoff;
        patience?: number;
    }): Promise<Comment>;
}
