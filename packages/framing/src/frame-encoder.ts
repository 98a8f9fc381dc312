import { checkRange } from "./caller.ts";
import { refusal } from "./errors.ts";
import { type FramingOptions, type FramingProfile, limitOf, PREFIX_LAYOUTS, type PrefixLayout } from "./prefix.ts";

const MAX_U32 = 0xffffffff;

/**
 * Puts the prefix of one profile before payloads (`spec/framing.md`). Payloads are passed on by reference, never joined.
 * What cannot be encoded is refused with a WireError that is not fatal, before any byte exists.
 */
export class FrameEncoder {
  readonly profile: FramingProfile;
  /** The largest payload that is emitted, in bytes. */
  readonly maxFrameLength: number;
  readonly prefixSize: number;
  readonly #lead: PrefixLayout["lead"];

  constructor(profile: FramingProfile, options: FramingOptions = {}) {
    const layout = PREFIX_LAYOUTS[profile];
    this.profile = profile;
    this.maxFrameLength = Math.min(limitOf(options), layout.ceiling);
    this.prefixSize = layout.size;
    this.#lead = layout.lead;
  }

  /**
   * One frame: the prefix and then the payload's buffers. `lead` is the tag of `len56-tagged` (0 to 255) or the flag of
   * `grpc-lpm` (0).
   *
   * @throws WireError `oversize.declared`, `header.field` (tag), `flags.reserved`, `codec.unsupported` (flag); nothing was emitted.
   */
  encode(payload: Uint8Array | readonly Uint8Array[], lead = 0): Uint8Array[] {
    const prefix = new Uint8Array(this.prefixSize);
    if (payload instanceof Uint8Array) {
      this.writePrefix(prefix, 0, payload.length, lead);
      return [prefix, payload];
    }
    let length = 0;
    for (const part of payload) length += part.length;
    this.writePrefix(prefix, 0, length, lead);
    return [prefix, ...payload];
  }

  /**
   * Writes the prefix of a payload of `length` bytes into `target` and returns the index after it, so that small frames
   * can be built in one buffer. Refuses as `encode` does, and a target without room with `state`; then has written nothing.
   */
  writePrefix(target: Uint8Array, from: number, length: number, lead = 0): number {
    this.check(length, lead);
    const end = from + this.prefixSize;
    checkRange(target, from, end);
    let at = from;
    if (this.#lead !== "length") target[at++] = lead;
    const high = length > MAX_U32 ? Math.floor(length / 2 ** 32) : 0;
    for (let i = end - 5, rest = high; i >= at; i--, rest >>>= 8) target[i] = rest;
    target[end - 4] = length >>> 24;
    target[end - 3] = length >>> 16;
    target[end - 2] = length >>> 8;
    target[end - 1] = length;
    return end;
  }

  /** Refuses what `encode` would refuse, judged by the length alone; with `state` what is no length at all. */
  check(length: number, lead = 0): void {
    const kind = this.#lead;
    // r[len56.encode.tag-range]
    if (kind === "tag" && !(Number.isInteger(lead) && lead >= 0 && lead <= 255)) {
      throw refusal("header.field", `expected a tag from 0 to 255, ${lead} came`);
    }
    // r[grpc.encode.flag]
    if (kind === "flag" && lead === 1) throw refusal("codec.unsupported", "expected flag 0 (no codec), 1 came");
    if (kind !== "tag" && lead !== 0) throw refusal("flags.reserved", `expected flag 0, ${lead} came`);
    if (!(Number.isInteger(length) && length >= 0)) {
      throw refusal("state", `expected a length of 0 bytes or more, ${length} came`);
    }
    // r[len64.encode.refusal] r[len32.encode.refusal] r[len56.encode.refusal] r[grpc.encode.refusal]
    if (!(length <= this.maxFrameLength)) {
      throw refusal(
        "oversize.declared",
        `expected a payload of at most ${this.maxFrameLength} bytes, ${length} bytes came`,
      );
    }
  }
}
