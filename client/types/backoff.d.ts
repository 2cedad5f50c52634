export declare class Backoff {
    #private;
    first: number;
    failures: number;
    /** @param {number} first @param {number} cap @param {() => number} random */
    constructor(first?: number, cap?: number, random?: () => number);
    /** The server names the first wait (`retry:`). @param {number} ms */
    beginAt(ms: number): void;
    /** Count a failure; the wait. @param {number} [asked] by the server (`Retry-After`) */
    next(asked?: number): number;
}
/** Resolves after `ms`, or at once when `signal` is aborted. @param {number} ms @param {AbortSignal} [signal] */
export declare function sleep(ms: number, signal?: AbortSignal): Promise<void>;
