import { checkCount } from "./caller.ts";

/** The four prefix profiles of `spec/framing.md`. */
export type FramingProfile = "len32" | "len64" | "len56-tagged" | "grpc-lpm";

export const FRAMING_PROFILES: readonly FramingProfile[] = ["len32", "len64", "len56-tagged", "grpc-lpm"];

/**
 * A prefix is one lead byte or none, then an unsigned big-endian length. The last four bytes are the low half of the
 * length in every profile.
 */
export interface PrefixLayout {
  readonly size: number;
  /** What the first byte is: a tag, a compression flag, or already the length. */
  readonly lead: "tag" | "flag" | "length";
  /** The largest length that the profile can say, capped at 2^53 - 1, the ceiling of this implementation. */
  readonly ceiling: number;
}

export const PREFIX_LAYOUTS: Readonly<Record<FramingProfile, PrefixLayout>> = {
  len32: { size: 4, lead: "length", ceiling: 0xffffffff },
  len64: { size: 8, lead: "length", ceiling: Number.MAX_SAFE_INTEGER },
  "len56-tagged": { size: 8, lead: "tag", ceiling: Number.MAX_SAFE_INTEGER },
  "grpc-lpm": { size: 5, lead: "flag", ceiling: 0xffffffff },
};

export const DEFAULT_MAX_FRAME_LENGTH = 16 * 1024 * 1024;

export interface FramingOptions {
  /**
   * The largest payload to accept or emit, in bytes; the prefix does not count. 0 to 2^53 - 1, default 16 MiB. A decoder
   * holds no payload above `MAX_BUFFER_LENGTH`, whatever its limit.
   */
  readonly maxFrameLength?: number | bigint;
}

/**
 * The limit as a number. Every 64-bit length is compared with it as `high * 2^32 + low`: that sum is exact below 2^53
 * and rounds to at least 2^53 above, so with a limit of at most 2^53 - 1 the comparison is exact too.
 */
export function limitOf({ maxFrameLength = DEFAULT_MAX_FRAME_LENGTH }: FramingOptions): number {
  return checkCount("maxFrameLength", typeof maxFrameLength === "bigint" ? Number(maxFrameLength) : maxFrameLength);
}
