/** An EventTarget with a shorter way to tell. */
export declare class Emitter extends EventTarget {
    /** @param {string} type @param {unknown} [detail] */
    emit(type: string, detail?: unknown): void;
    /**
     * Listen, with what was told rather than its envelope; `signal` ends it.
     * @param {string} type @param {(detail: any) => void} tell @param {AbortSignal} [signal]
     */
    on(type: string, tell: (detail: any) => void, signal?: AbortSignal): this;
}
