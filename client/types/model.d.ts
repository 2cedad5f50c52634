export type User = {
    id: string;
    name: string;
    roles?: string[];
    avatar?: string;
};
export type Comment = {
    id: string;
    user: User;
    text: string;
    created_at: number;
    offset: number | null;
    status?: string;
    nonce?: string;
    pinned?: boolean;
    meta?: object;
};
export type Happening = {
    name: string;
    data: any;
    earlier?: boolean;
};
export type WireEvent = Happening & {
    id?: string;
    retry?: number;
};
export type State = {
    state: "connecting" | "live" | "behind" | "offline";
    reason?: string;
    wait?: number;
};
/** @typedef {{id: string, name: string, roles?: string[], avatar?: string}} User */
/**
 * `created_at` in ms since the epoch, `offset` in seconds of the video or null.
 * @typedef {{id: string, user: User, text: string, created_at: number, offset: number | null, status?: string,
 *   nonce?: string, pinned?: boolean, meta?: object}} Comment
 */
/** What happened on a video; `earlier`: before we were in step. @typedef {{name: string, data: any, earlier?: boolean}} Happening */
/** An event as a transport brings it; `retry` in ms. @typedef {Happening & {id?: string, retry?: number}} WireEvent */
/**
 * How a feed stands: first connection or another one under way; in step; connected and still being told what was
 * missed; without connection (`wait`: ms to the next attempt, absent when there will be none).
 * @typedef {{state: "connecting" | "live" | "behind" | "offline", reason?: string, wait?: number}} State
 */
/** Ids that were seen; beyond `limit` the oldest is forgotten, so a double that comes later than that is shown. */
export declare class Known {
    #private;
    /** @type {Set<string>} */
    ids: Set<string>;
    /** @param {number} limit */
    constructor(limit: number);
    /** True when `id` is new. @param {string} id */
    add(id: string): boolean;
}
