/** The box to write in. */
export declare class Box {
    #private;
    form: HTMLFormElement;
    limit: number;
    /** @param {import("./strings.js").Words} words @param {(text: string) => void} send */
    constructor(words: import("./strings.js").Words, send: (text: string) => void);
    reword(): void;
    /** What was refused is there to be changed, unless something else is being written. @param {string} text */
    giveBack(text: string): boolean;
    /** @param {string} words "" to be silent */
    complain(words: string): void;
}
