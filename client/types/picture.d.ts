export type Comment = import("./model.js").Comment;
export type Whole = {
    comments: Comment[];
    pins: Comment[];
    welcome: Record<string, any>;
};
export declare class Picture {
    /** @type {Comment[]} */
    comments: Comment[];
    /** @type {Comment[]} */
    pins: Comment[];
    /** @type {Record<string, any>} the video's state, its start and end, viewers, settings */
    welcome: Record<string, any>;
    /** @returns {Whole} */
    get all(): Whole;
    /** @param {import("./model.js").Happening} event */
    apply({ name, data }: import("./model.js").Happening): void;
}
