/** The most of a text that a message repeats, in UTF-16 units. */
const SHOWN = 200;

/** Control characters of both sets, those that turn the direction of text, and the separators of lines. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A text that somebody else chose, for a line of a log: nothing of it may end the line, fill it, or move the cursor.
 * r[link.hello.refusal.told]
 *
 * @param most Where it is cut, in UTF-16 units.
 */
export function printable(text: string, most = SHOWN): string {
  return escaped(cut(text, most));
}

/** A value that somebody else chose, as a message quotes it. */
export function show(value: string | number): string {
  return escaped(JSON.stringify(cut(value, SHOWN)));
}

function cut<Value extends string | number>(value: Value, most: number): Value | string {
  const text = String(value);
  return text.length > most ? `${text.slice(0, most)}…` : value;
}

function escaped(text: string): string {
  return text.replace(UNPRINTABLE, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
