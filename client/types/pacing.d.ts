export type Comment = import("./model.js").Comment;
export declare class Pacer {
    #private;
    /** @param {(comments: Comment[], earlier: boolean, calm: boolean) => void} release `calm`: there is time to look at each */
    constructor(release: (comments: Comment[], earlier: boolean, calm: boolean) => void);
    /** @param {Comment[]} comments one tick's @param {boolean} [earlier] not said just now */
    add(comments: Comment[], earlier?: boolean): void;
    /** A comment is gone before it was shown. @param {string} id */
    drop(id: string): void;
    /** Show what waits, now. */
    flush(): void;
    clear(): void;
}
