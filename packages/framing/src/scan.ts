/** The offsets of frames in a chunk: pairs of start and end, and the tag of each. */
export interface FrameTable {
  /** `[start, end)` of frame `i` at `2 * i` and `2 * i + 1`. */
  readonly offsets: Int32Array;
  readonly tags: Uint8Array;
}

/**
 * The hot loop: enters whole frames of `chunk[from…]` into the table from row `count` to row `most`, and returns the new
 * count. It stops before the first frame that is not whole, and before any prefix that needs the exact look: a flag, a
 * length of 2^31 or more, or one above `limit`.
 */
export function scanWholeFrames(
  chunk: Uint8Array,
  from: number,
  prefixSize: number,
  tagged: boolean,
  limit: number,
  { offsets, tags }: FrameTable,
  count: number,
  most: number,
): number {
  const end = chunk.length;
  let i = from;
  let k = count;
  while (k < most) {
    const start = i + prefixSize;
    if (start > end) break;
    const low = (chunk[start - 4]! << 24) | (chunk[start - 3]! << 16) | (chunk[start - 2]! << 8) | chunk[start - 1]!;
    let high = 0;
    if (prefixSize > 4) {
      if (prefixSize === 8) high = chunk[i + 1]! | chunk[i + 2]! | chunk[i + 3]!;
      if (!tagged) high |= chunk[i]!;
    }
    if (high !== 0 || low < 0 || low > limit) break;
    const frameEnd = start + low;
    if (frameEnd > end) break;
    offsets[2 * k] = start;
    offsets[2 * k + 1] = frameEnd;
    if (tagged) tags[k] = chunk[i]!;
    k++;
    i = frameEnd;
  }
  return k;
}
