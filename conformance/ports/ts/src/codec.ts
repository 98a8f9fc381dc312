import type { Event, Json, Limits } from "@tensorwire/conformance/protocol";
import { type DecoderMemory, FRAMING_PROFILES, MAX_BUFFER_LENGTH, type WireError } from "@tensorwire/framing";
import { Declined } from "./declined.ts";
import { frameDecoder, frameEncoder } from "./frames.ts";
import { multipartDecoder, multipartEncoder } from "./multipart.ts";
import { ppEnvelopeDecoder, ppEnvelopeEncoder, ppResultDecoder, ppResultEncoder, ppSessionDecoder } from "./pp.ts";
import { tpDecoder, tpEncoder, tpSessionDecoder } from "./tp.ts";

/** One connection's decoder. Events are built at once: they share no memory with the chunk. */
export interface CaseDecoder {
  push(chunk: Uint8Array): { readonly events: Event[]; readonly error: WireError | null };
  end(): WireError | null;
  memory(): DecoderMemory;
}

/** Is given each message as its owner keeps it: a function that shows it, however much later. */
export type Keep = (show: () => Json) => void;

/** Encodes one message; throws a WireError that refuses it. */
export type CaseEncoder = (value: Readonly<Record<string, Json>>) => readonly Uint8Array[];

/** The limits of a case, by the names of the reference's options. */
export interface CaseLimits {
  readonly maxFrameLength: number;
  readonly maxParts: number;
  readonly maxManifestLength?: number;
  readonly maxTensors?: number;
  readonly maxRank?: number;
  readonly maxTensorLength?: number;
}

export interface Codec {
  /** The limits that the profile has, by their names in the specification, and the options that they set. */
  readonly limits: Readonly<Record<string, keyof CaseLimits>>;
  decoder(limits: CaseLimits, keep?: Keep): CaseDecoder;
  /** Absent: the profile is one of receivers. r[iut.session.decode] */
  encoder?(limits: CaseLimits): CaseEncoder;
}

const FRAME = { max_frame_length: "maxFrameLength" } as const;
const PARTS = { ...FRAME, max_parts: "maxParts" } as const;
const TENSORS = {
  ...PARTS,
  max_manifest_length: "maxManifestLength",
  max_tensors: "maxTensors",
  max_rank: "maxRank",
  max_tensor_length: "maxTensorLength",
} as const;

/** The profiles of the reference. */
export const CODECS: ReadonlyMap<string, Codec> = new Map<string, Codec>([
  ...FRAMING_PROFILES.map((profile): [string, Codec] => [
    profile,
    {
      limits: FRAME,
      decoder: (limits, keep) => frameDecoder(profile, limits, keep),
      encoder: (limits) => frameEncoder(profile, limits),
    },
  ]),
  ...[false, true].map((typed): [string, Codec] => [
    typed ? "multipart-typed" : "multipart",
    {
      limits: PARTS,
      decoder: (limits, keep) => multipartDecoder(typed, limits, keep),
      encoder: (limits) => multipartEncoder(typed, limits),
    },
  ]),
  ["tp", { limits: TENSORS, decoder: tpDecoder, encoder: tpEncoder }],
  ["tp-session", { limits: TENSORS, decoder: tpSessionDecoder }],
  ["pp-envelope", { limits: TENSORS, decoder: ppEnvelopeDecoder, encoder: ppEnvelopeEncoder }],
  ["pp-session", { limits: TENSORS, decoder: ppSessionDecoder }],
  ["pp-result", { limits: TENSORS, decoder: ppResultDecoder, encoder: ppResultEncoder }],
]);

/** The largest limits of the reference: it holds a payload in one buffer, and what it only counts in a number. */
export const MAX_FRAME_LENGTH = MAX_BUFFER_LENGTH;
const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/** Absent: the declared maximum for frames, no cap on parts, and the reference's defaults for the rest. r[iut.limits.absent] */
export function readLimits(codec: Codec, limits: Limits): CaseLimits {
  const read: { -readonly [name in keyof CaseLimits]: CaseLimits[name] } = {
    maxFrameLength: MAX_FRAME_LENGTH,
    maxParts: MAX_COUNT,
  };
  for (const [name, text] of Object.entries(limits)) {
    const option = Object.hasOwn(codec.limits, name) ? codec.limits[name] : undefined;
    if (option === undefined) throw new Declined("limit", `the profile has no limit named ${name}`);
    const most = option === "maxFrameLength" ? MAX_FRAME_LENGTH : MAX_COUNT;
    if (BigInt(text) > BigInt(most)) throw new Declined("limit", `${name} ${text} is above ${most}`);
    read[option] = Number(text);
  }
  return read;
}
