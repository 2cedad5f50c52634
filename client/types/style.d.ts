/** One for all elements of a page; a strict Content-Security-Policy allows it, unlike a style element. */
export declare function styleSheet(): CSSStyleSheet;
