export type Comment = import("./model.js").Comment;
export type Latency = number | (() => number | null | undefined) | HTMLMediaElement;
/**
 * The moment that is on this viewer's screen, in ms since the epoch by the clock at the stage.
 * @param {Latency} latency @param {number} skew ms that this page's clock is ahead
 */
export declare function momentSeen(latency: Latency, skew: number): any;
/** Holds comments back, in order. */
export declare class Delay {
    #private;
    latency: Latency;
    /** @param {Latency} latency @param {(comments: Comment[], earlier: boolean) => void} release */
    constructor(latency: Latency, release: (comments: Comment[], earlier: boolean) => void);
    /** @param {Comment[]} comments in order @param {boolean} earlier said before we were in step */
    add(comments: Comment[], earlier: boolean): void;
    /** One that was hidden, at its place. @param {Comment} comment */
    insert(comment: Comment): void;
    /** Whether this viewer has yet to see the moment of a comment. @param {Comment} comment */
    early({ created_at }: Comment): boolean;
    /** A comment is gone. @param {string} id */
    drop(id: string): void;
    /** Forget all. */
    clear(): void;
}
