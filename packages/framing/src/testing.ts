import { FrameDecoder } from "./frame-decoder.ts";
import type { FramingOptions, FramingProfile } from "./prefix.ts";

/** What a decoder made of a stream: the frames as owned bytes, then how it ended. */
export interface Outcome {
  readonly frames: { readonly lead: number; readonly bytes: Uint8Array; readonly at: number }[];
  readonly error: { readonly code: string; readonly offset: number } | null;
}

/** Feeds `stream`, cut at `cuts` (ascending), and then EOF. Every chunk is overwritten after its push. */
export function decodeInChunks(
  profile: FramingProfile,
  stream: Uint8Array,
  cuts: readonly number[],
  options: FramingOptions = {},
): Outcome {
  const decoder = new FrameDecoder(profile, options);
  const frames: Outcome["frames"] = [];
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    const chunk = stream.slice(from, to);
    const batch = decoder.push(chunk);
    for (let i = 0; i < batch.count; i++) frames.push({ lead: batch.lead(i), bytes: batch.copy(i), at: batch.at(i) });
    chunk.fill(0xee);
    from = to;
  }
  const error = decoder.end();
  return { frames, error: error && { code: error.code, offset: error.offset } };
}

export function concat(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(buffers));
}

export function hex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
