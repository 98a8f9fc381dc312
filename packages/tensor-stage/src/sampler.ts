export interface SamplerOptions {
  /** 0 takes the likeliest token; above it, the logits are divided by it. 0 unless told. */
  readonly temperature?: number;
  /** Only the k likeliest tokens take part; 0 for all. 0 unless told. */
  readonly topK?: number;
  /** Any integer; the same seed and logits give the same tokens. 0 unless told. */
  readonly seed?: number;
}

/** Chooses tokens from logits. Deterministic: ties go to the lower id, chance comes from the seed. */
export class Sampler {
  readonly #temperature: number;
  readonly #topK: number;
  readonly #random: () => number;

  /** @throws RangeError for a negative or non-finite temperature, or a topK that is no count. */
  constructor({ temperature = 0, topK = 0, seed = 0 }: SamplerOptions = {}) {
    if (!(temperature >= 0 && temperature < Infinity))
      throw new RangeError(`temperature is ${temperature}, expected 0 or more`);
    if (!Number.isInteger(topK) || topK < 0) throw new RangeError(`topK is ${topK}, expected a count`);
    this.#temperature = temperature;
    this.#topK = topK;
    this.#random = mulberry32(seed);
  }

  next(logits: Float32Array): number {
    if (this.#temperature === 0) return likeliest(logits);
    const ids = Array.from(logits.keys());
    if (this.#topK > 0) ids.sort((a, b) => logits[b]! - logits[a]! || a - b).splice(this.#topK);
    const peak = logits[likeliest(logits)]!;
    const weights = ids.map((id) => Math.exp((logits[id]! - peak) / this.#temperature));
    let left = this.#random() * weights.reduce((sum, weight) => sum + weight, 0);
    for (let i = 0; i < ids.length; i++) {
      left -= weights[i]!;
      if (left < 0) return ids[i]!;
    }
    return ids.at(-1)!;
  }
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/** A 32-bit generator with a period of 2^32 (Tommy Ettinger's mulberry32): numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
