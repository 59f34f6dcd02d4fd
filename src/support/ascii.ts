/**
 * Bytes of ASCII, which UTF-8 uses for nothing else.
 * @module
 */

/** BEL; in terminals, the end of some strings. */
export const BELL = 0x07;

/** The line feed. */
export const NEWLINE = 0x0a;

/** CAN; in terminals, it aborts a sequence. */
export const CANCEL = 0x18;

/** SUB; in terminals, it aborts a sequence. */
export const SUBSTITUTE = 0x1a;

/** ESC; in terminals, it begins a sequence. */
export const ESCAPE = 0x1b;

/** `"` */
export const DOUBLE_QUOTE = 0x22;

/** `,` */
export const COMMA = 0x2c;

/** `[` */
export const OPENING_BRACKET = 0x5b;

/** `\` */
export const BACKSLASH = 0x5c;

/** `]` */
export const CLOSING_BRACKET = 0x5d;

/** `{` */
export const OPENING_BRACE = 0x7b;

/** `}` */
export const CLOSING_BRACE = 0x7d;
