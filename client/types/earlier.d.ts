/** From history to the list's top: what was said before all that is shown. */
export declare class Earlier {
    #private;
    /** @param {import("./room.js").Room} room @param {import("./view.js").View} view */
    constructor(room: import("./room.js").Room, view: import("./view.js").View);
    /** One page; rejects with a Problem. */
    load(): Promise<void>;
}
