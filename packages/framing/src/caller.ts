import { refusal } from "./errors.ts";

/**
 * Gives back a count or limit of the caller, and throws a `state` refusal for a number that is none. Judged where it is
 * given: compared with later, NaN would be no limit at all, and -1 would blame the peer for what the caller did.
 */
export function checkCount(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  throw refusal("state", `${name}: expected an integer from 0 to 2^53 - 1, ${String(value)} came`);
}

/**
 * Throws a `state` refusal for a range that the buffer does not have: a typed array reads nothing behind its end and
 * drops what is written there, and says neither.
 */
export function checkRange(buffer: Uint8Array, start: number, end: number): void {
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= buffer.length) return;
  throw refusal("state", `expected a range within the ${buffer.length} bytes of the buffer, [${start}, ${end}) came`);
}
