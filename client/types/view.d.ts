import { CommentList } from "./list.js";
export type Entry = import("./list.js").Entry;
export type Host = {
    words: import("./strings.js").Words;
    replay: () => boolean;
    render: () => import("./row.js").RenderComment | undefined;
    toolsFor: (entry: Entry, pinned: boolean) => [string, string][];
    act: (what: string, entry: Entry) => void;
    newest: () => import("./model.js").Comment[];
    earlier: () => void;
};
/** The scrolling log of comments: stays at the newest, or where its reader is. */
export declare class View {
    #private;
    pinned: HTMLElement;
    feed: HTMLDivElement;
    list: CommentList;
    /** @param {Host} host */
    constructor(host: Host);
    reword(): void;
    /** Show nothing that is kept: it is of another video, or its times were another clock's. */
    clear(): void;
    /** Go to the newest comment and stay there. */
    toEnd(): void;
    /** Not those by people who are muted. @param {import("./model.js").Comment[]} [pins] the latest last; by default those of before */
    showPins(pins?: import("./model.js").Comment[]): void;
    /** @param {import("./model.js").Comment[]} comments oldest first @param {boolean} more there are still others */
    addEarlier(comments: import("./model.js").Comment[], more: boolean): void;
    /** Look right once more, with the next frame. */
    settle(): void;
}
