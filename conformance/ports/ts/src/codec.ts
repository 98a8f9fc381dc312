import type { Event, Json, Limits } from "@tensorwire/conformance/protocol";
import { FRAMING_PROFILES, type WireError } from "@tensorwire/framing";
import { Declined } from "./declined.ts";
import { frameDecoder, frameEncoder } from "./frames.ts";
import { multipartDecoder, multipartEncoder } from "./multipart.ts";
import { tpDecoder, tpEncoder } from "./tp.ts";

/** One connection's decoder. Events are built at once: they share no memory with the chunk. */
export interface CaseDecoder {
  push(chunk: Uint8Array): { readonly events: Event[]; readonly error: WireError | null };
  end(): WireError | null;
}

/** Encodes one message; throws a WireError that refuses it. */
export type CaseEncoder = (value: Readonly<Record<string, Json>>) => readonly Uint8Array[];

export interface CaseLimits {
  readonly maxFrameLength: number;
  readonly maxParts: number;
}

export interface Codec {
  decoder(limits: CaseLimits): CaseDecoder;
  encoder(limits: CaseLimits): CaseEncoder;
}

/** The profiles of the reference. */
export const CODECS: ReadonlyMap<string, Codec> = new Map<string, Codec>([
  ...FRAMING_PROFILES.map((profile): [string, Codec] => [
    profile,
    { decoder: (limits) => frameDecoder(profile, limits), encoder: (limits) => frameEncoder(profile, limits) },
  ]),
  ...[false, true].map((typed): [string, Codec] => [
    typed ? "multipart-typed" : "multipart",
    { decoder: (limits) => multipartDecoder(typed, limits), encoder: (limits) => multipartEncoder(typed, limits) },
  ]),
  ["tp", { decoder: tpDecoder, encoder: tpEncoder }],
]);

/** The largest frame that the reference declares: 1 GiB. */
export const MAX_FRAME_LENGTH = 1_073_741_824;

/** The limits of a case. Absent: the declared maximum for frames, and no cap on parts. r[iut.limits.absent] */
export function readLimits(limits: Limits): CaseLimits {
  let maxFrameLength = MAX_FRAME_LENGTH;
  let maxParts = Number.MAX_SAFE_INTEGER;
  for (const [name, text] of Object.entries(limits)) {
    const value = BigInt(text);
    const most = BigInt(name === "max_frame_length" ? MAX_FRAME_LENGTH : Number.MAX_SAFE_INTEGER);
    if (value > most) throw new Declined("limit", `${name} ${text} is above ${most}`);
    if (name === "max_frame_length") maxFrameLength = Number(value);
    else if (name === "max_parts") maxParts = Number(value);
    else throw new Declined("limit", `no limit is named ${name}`);
  }
  return { maxFrameLength, maxParts };
}
