/** The line on top: how the connection stands, and for a while what was just done. */
export declare class Status {
    #private;
    element: HTMLDivElement;
    /** @param {import("./room.js").Room} room */
    constructor(room: import("./room.js").Room);
    /** How the feed stands. */
    show(): void;
    /** Why it ended. @param {import("./problem.js").Problem} problem */
    give(problem: import("./problem.js").Problem): void;
    /** What was just done, and how to undo it. @param {string} words @param {() => void} [undo] */
    notice(words: string, undo?: () => void): void;
}
