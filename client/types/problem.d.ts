/** Why something was not done: a refusal (RFC 9457), or no answer at all (`status` 0, code `unreachable`). */
export declare class Problem extends Error {
    status: number;
    code: string;
    retryAfter: number | undefined;
    extra: Record<string, any>;
    /**
     * @param {string} message the server's sentence for people
     * @param {{status?: number, code?: string, retryAfter?: number, extra?: Record<string, any>}} [more] `retryAfter` in ms
     */
    constructor(message: string, { status, code, retryAfter, extra }?: {
        status?: number;
        code?: string;
        retryAfter?: number;
        extra?: Record<string, any>;
    });
    /** Whether the same request may succeed later. */
    get passing(): boolean;
}
/** @param {Response} response whose body nobody has read */
export declare function problemOf(response: Response): Promise<Problem>;
/** Whatever was thrown, as a Problem. @param {any} error @returns {Problem} */
export declare function asProblem(error: any): Problem;
