/** A part of the client that not everybody needs, from where the client is from. @param {string} file */
export declare function fetched(file: string): Promise<any>;
