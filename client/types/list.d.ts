export type Comment = import("./model.js").Comment;
export type Entry = Comment & {
    sending?: boolean;
    ahead?: boolean;
    failed?: import("./problem.js").Problem | undefined;
};
export type Surface = {
    put: (entry: Entry, next: Entry | undefined, fresh: boolean) => void;
    remove: (entry: Entry) => void;
    change: (entry: Entry) => void;
    newest: () => Comment[];
};
/** @typedef {import("./model.js").Comment} Comment */
/**
 * A comment as it is shown. `sending`: it is on its way; `failed`: why it did not arrive; `ahead`: it
 * is kept, and the stream has not come to it yet.
 * @typedef {Comment & {sending?: boolean, ahead?: boolean, failed?: import("./problem.js").Problem | undefined}} Entry
 */
/**
 * Where it is shown. `put` before the entry `next` (undefined: at the end); `fresh`: it has just been said.
 * `newest`: the newest comments there are, some 200.
 * @typedef {{put: (entry: Entry, next: Entry | undefined, fresh: boolean) => void, remove: (entry: Entry) => void,
 *   change: (entry: Entry) => void, newest: () => Comment[]}} Surface
 */
export declare const FOLLOWING = 200;
export declare const READING = 1000;
export declare class CommentList {
    #private;
    /** @type {Entry[]} oldest first */
    entries: Entry[];
    told: number;
    following: boolean;
    unread: number;
    complete: boolean;
    /** @type {Set<string>} ids of people whom this reader does not want to see */
    muted: Set<string>;
    /** @param {Surface} surface */
    constructor(surface: Surface);
    /** The id down to which all is here that may be shown: what is earlier than it can be loaded. */
    get reached(): string | undefined;
    /** Whether there may be earlier ones. */
    get more(): boolean;
    /** @param {Comment[]} comments newest last @param {boolean} [fresh] they have just been said, to be looked at one by one */
    add(comments: Comment[], fresh?: boolean): void;
    /** Comments from before the oldest one. @param {Comment[]} comments oldest first @param {boolean} more there are still others */
    addEarlier(comments: Comment[], more: boolean): void;
    /** A hidden comment is back, in its old place: ids are in the order of time. @param {Comment} comment */
    restore(comment: Comment): void;
    /** Show just these, keeping what is shown already. @param {Comment[]} comments oldest first */
    replace(comments: Comment[]): void;
    /** A comment is deleted or hidden. @param {string} id */
    remove(id: string): void;
    /** Not to be shown to this reader, from now on and what there is. @param {string} userId @param {boolean} muted */
    mute(userId: string, muted?: boolean): void;
    /** The reader is at the newest end again: true when what is shown had to change for that. */
    follow(): boolean;
    /** Show a comment that is being sent. @param {Comment & {nonce: string}} comment its `id` is its nonce for now */
    echo(comment: Comment & {
        nonce: string;
    }): void;
    /** It is kept. @param {string} nonce @param {Comment} comment */
    arrived(nonce: string, comment: Comment): void;
    /** It is not, or is being tried again. @param {string} nonce @param {import("./problem.js").Problem} [problem] */
    failed(nonce: string, problem?: import("./problem.js").Problem): void;
}
