/** The framing workload of the benchmark: seeded streams, the same payload sizes for every decoder. */

export const SIZES = [16, 1024, 64 * 1024, 1024 * 1024, 16 * 1024 * 1024] as const;
export const CHUNKINGS = ["64k", "1-1500"] as const;
export type Chunking = (typeof CHUNKINGS)[number];

/** Frames in a stream: about 64 MiB of payload, but no more than a million frames. */
export function frameCount(size: number): number {
  return Math.min(1024 * 1024, Math.ceil((64 * 1024 * 1024) / size));
}

/** mulberry32: 32 random bits a call, the same for the same seed on every machine. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export interface Frames {
  readonly count: number;
  readonly size: number;
  /** Sum over the frames of their first and last byte. */
  readonly checksum: number;
}

export interface Workload extends Frames {
  readonly stream: Uint8Array;
  readonly chunks: readonly Uint8Array[];
}

/** One stream of `frameCount(size)` frames; `prefix` writes a frame's header and returns the index after it. */
export function workload(
  size: number,
  chunking: Chunking,
  prefixSize: number,
  prefix: (target: Uint8Array, at: number, length: number) => number,
): Workload {
  const count = frameCount(size);
  const stream = new Uint8Array(count * (prefixSize + size));
  const next = random(1);
  let checksum = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    at = prefix(stream, at, size);
    for (let j = at; j < at + size; j += 61) stream[j] = next();
    stream[at + size - 1] = next();
    checksum += stream[at]! + stream[at + size - 1]!;
    at += size;
  }
  return { count, size, checksum, stream: stream.subarray(0, at), chunks: cut(stream.subarray(0, at), chunking) };
}

function cut(stream: Uint8Array, chunking: Chunking): Uint8Array[] {
  const next = random(2);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const to = Math.min(stream.length, at + (chunking === "64k" ? 65536 : 1 + (next() % 1500)));
    chunks.push(stream.subarray(at, to));
    at = to;
  }
  return chunks;
}
