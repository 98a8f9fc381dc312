import { checkRange } from "./caller.ts";
import { refusal } from "./errors.ts";

/** The longest buffer that is read, and so the longest payload that is decoded: the offsets of a table are int32. */
export const MAX_BUFFER_LENGTH = 0x7fffffff;

/** Throws a `state` refusal for bytes that the buffer does not have, or that a table has no offsets for. */
export function checkReadable(buffer: Uint8Array, start: number, end: number): void {
  if (end > MAX_BUFFER_LENGTH) throw refusal("state", `expected a buffer below 2 GiB, ${end} bytes came`);
  checkRange(buffer, start, end);
}

/** The offsets of frames in a buffer. */
export interface FrameTable {
  /** `[start, end)` of frame `i` at `2 * i` and `2 * i + 1`. */
  readonly offsets: Int32Array;
  /** The tag of each, in a profile that has tags. */
  readonly tags: Uint8Array;
}

/**
 * The hot loop: enters whole frames of `buffer[from, end)` into the table from row `count` to row `most`, and returns the new
 * count. It stops before the first frame that is not whole, and before any prefix that needs the exact look: a flag, a
 * length of 2^31 or more, or one above `limit`.
 */
export function scanWholeFrames(
  buffer: Uint8Array,
  from: number,
  end: number,
  prefixSize: number,
  tagged: boolean,
  limit: number,
  { offsets, tags }: FrameTable,
  count: number,
  most: number,
): number {
  let i = from;
  let k = count;
  while (k < most) {
    const start = i + prefixSize;
    if (start > end) break;
    const low =
      (buffer[start - 4]! << 24) | (buffer[start - 3]! << 16) | (buffer[start - 2]! << 8) | buffer[start - 1]!;
    let high = 0;
    if (prefixSize > 4) {
      if (prefixSize === 8) high = buffer[i + 1]! | buffer[i + 2]! | buffer[i + 3]!;
      if (!tagged) high |= buffer[i]!;
    }
    if (high !== 0 || low < 0 || low > limit) break;
    const frameEnd = start + low;
    if (frameEnd > end) break;
    offsets[2 * k] = start;
    offsets[2 * k + 1] = frameEnd;
    if (tagged) tags[k] = buffer[i]!;
    k++;
    i = frameEnd;
  }
  return k;
}
