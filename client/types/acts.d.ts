/** @typedef {import("./list.js").Entry} Entry */
export type Entry = import("./list.js").Entry;
/** What one may do to a comment: its author, a moderator, a reader for themselves. */
export declare class Acts {
    #private;
    /**
     * @param {import("./room.js").Room} room
     * @param {import("./view.js").View} view
     * @param {import("./status.js").Status} status
     */
    constructor(room: import("./room.js").Room, view: import("./view.js").View, status: import("./status.js").Status);
    /** By name. @param {Entry} entry @param {boolean} pinned @param {boolean} reports */
    offers({ user }: Entry, pinned: boolean, reports: boolean): string[];
    /** @param {string} what @param {Entry} entry */
    act(what: string, { id, user }: Entry): Promise<void>;
    /** Not to see somebody, or to see them again. @param {string} userId @param {boolean} muted */
    mute(userId: string, muted?: boolean): void;
}
