import { createHash } from "node:crypto";

/** Bytes that follow from the seed of the run and a label: fresh for every run, and the same again for the same seed. */
export function seededBytes(seed: string, label: string, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0, block = 0; at < count; block++) {
    const digest = createHash("sha256").update(`${seed}\0${label}\0${block}`).digest();
    bytes.set(digest.subarray(0, Math.min(digest.length, count - at)), at);
    at += digest.length;
  }
  return bytes;
}

/** An integer from `low` to `high`, both included. */
export function seededInteger(seed: string, label: string, low: number, high: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = seededBytes(seed, label, 4);
  return low + ((((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % (high - low + 1));
}
