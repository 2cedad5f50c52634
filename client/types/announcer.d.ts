/** Tells a screen reader what is said, without shouting when it is much. */
export declare class Announcer {
    #private;
    element: HTMLParagraphElement;
    /** @param {import("./strings.js").Words} words */
    constructor(words: import("./strings.js").Words);
    /** @param {import("./model.js").Comment[]} comments */
    tell(comments: import("./model.js").Comment[]): void;
    stop(): void;
}
