export type Comment = import("./model.js").Comment;
export type Placed = Comment & {
    offset: number;
};
/** @typedef {import("./model.js").Comment} Comment */
/** In order of `offset`, which all of them have. @typedef {Comment & {offset: number}} Placed */
export declare const WINDOW = 180;
export declare const FRESH = 30000;
/** A recording's comments, fetched by window as they are needed. */
export declare class Windows {
    #private;
    /**
     * @param {import("./api.js").Api} api
     * @param {string} video
     * @param {(index: number, gone: Placed[], back: Placed[]) => void} changed more of a window has come, or what was there has changed
     * @param {(error: unknown) => void} failed
     */
    constructor(api: import("./api.js").Api, video: string, changed: (index: number, gone: Placed[], back: Placed[]) => void, failed: (error: unknown) => void);
    /** Up to which second all is here, from `time` on; undefined where the moment itself is not. @param {number} time */
    known(time: number): number | undefined;
    /** Whether all of a moment's window is here. @param {number} time */
    whole(time: number): boolean;
    /** Have these windows and stop fetching others. @param {number[]} indices the one needed most first */
    want(indices: number[]): void;
    /** The comments after `from` up to `to` (seconds), at most the last `count`; fewer rather than with a hole between them. */
    between(/** @type {number} */ from: number, /** @type {number} */ to: number, count?: number): Placed[];
    /** When the next comment after `time` is due, as far as is known. @param {number} time */
    next(time: number): number | undefined;
    /** A comment is gone. @param {string} id */
    drop(id: string): void;
    clear(): void;
}
