import { Announcer } from "./announcer.js";
export type Comment = import("./model.js").Comment;
/** @typedef {import("./model.js").Comment} Comment */
/** From a feed to the view: paced where it is live, announced, told to the page. */
export declare class Flow {
    #private;
    announcer: Announcer;
    /** @param {import("./room.js").Room} room @param {import("./view.js").View} view */
    constructor(room: import("./room.js").Room, view: import("./view.js").View);
    /** @param {import("./room.js").Feed} feed */
    follow(feed: import("./room.js").Feed): void;
    stop(): void;
}
