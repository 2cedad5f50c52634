import { Box } from "./box.js";
export type Draft = import("./hubbub.js").Draft;
/** @typedef {import("./hubbub.js").Draft} Draft */
/** From the box to the list: a comment is shown at once, and again and again tried until it is kept or refused. */
export declare class Writing {
    #private;
    box: Box;
    sign: HTMLDivElement;
    /** @param {import("./room.js").Room} room @param {import("./view.js").View} view @param {() => number | undefined} place of the player, in seconds */
    constructor(room: import("./room.js").Room, view: import("./view.js").View, place: () => number | undefined);
    reword(): void;
    /** The box for who may write, the way to sign in for who is not. @param {boolean} readonly */
    show(readonly: boolean): Promise<void>;
    /** @param {string} text */
    post(text: string): Promise<import("./model.js").Comment>;
    /** What is on its way is of another video than the one that is shown now. */
    forget(): void;
    /** Send once more, or not at all, what was not kept. @param {string} nonce @param {boolean} again */
    decide(nonce: string, again: boolean): void;
}
