export type Comment = import("./model.js").Comment;
export declare class Pacer {
    #private;
    /** @param {(comments: Comment[]) => void} release */
    constructor(release: (comments: Comment[]) => void);
    /** @param {Comment[]} comments one tick's */
    add(comments: Comment[]): void;
    /** A comment is gone before it was shown. @param {string} id */
    drop(id: string): void;
    /** Show what waits, now. */
    flush(): void;
    clear(): void;
}
