/**
 * What a replay goes by: a media element, or anything with these three of its properties that dispatches `play`, `pause`,
 * `seeking`, `ratechange` as they change. `currentTime` in seconds of the video.
 * @typedef {EventTarget & {readonly currentTime: number, readonly paused: boolean, readonly playbackRate: number}} Clock
 */
export type Clock = EventTarget & {
    readonly currentTime: number;
    readonly paused: boolean;
    readonly playbackRate: number;
};
/** A clock of one's own, for a player that is no media element: tell it what the player does. @implements {Clock} */
export declare class PlayerClock extends EventTarget implements Clock {
    #private;
    get currentTime(): number;
    /** Seek. */
    set currentTime(seconds: number);
    get paused(): boolean;
    get playbackRate(): number;
    set playbackRate(rate: number);
    play(): void;
    /** Also while the player waits for data. */
    pause(): void;
}
