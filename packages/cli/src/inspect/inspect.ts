import { FRAMING_PROFILES, type WireError } from "@tensorwire/framing";
import { PpRequestDecoder, PpResultDecoder } from "@tensorwire/pp-contract";
import { TpDecoder } from "@tensorwire/tp-control";
import { type Field, frameFields, headerFields, multipartFields } from "./fields.ts";

export const INSPECT_PROFILES = [
  ...FRAMING_PROFILES,
  "multipart",
  "multipart-typed",
  "tp",
  "pp-envelope",
  "pp-result",
] as const;
export type InspectProfile = (typeof INSPECT_PROFILES)[number];

/** What to judge by. */
export interface InspectLimits {
  /** The largest payload of one frame, in bytes; default 16 MiB. */
  readonly maxFrameLength?: number;
}

export interface InspectReport {
  readonly profile: InspectProfile;
  readonly bytes: Uint8Array;
  /** In the order of the bytes; what no field covers was not reached. */
  readonly fields: readonly Field[];
  /** The decoded messages of profiles that say more than their fields: manifests, envelopes, results. */
  readonly messages: readonly unknown[];
  /** Why the reference decoder refuses the bytes, or the cut at their end; null for a clean end. */
  readonly error: WireError | null;
}

/** Takes a whole stream apart. Fields come from the layout, messages and the verdict from the reference's own decoders. */
export function inspect(profile: InspectProfile, bytes: Uint8Array, limits: InspectLimits): InspectReport {
  switch (profile) {
    case "multipart":
    case "multipart-typed":
      return { profile, bytes, messages: [], ...multipartFields(bytes, profile === "multipart-typed", limits) };
    case "tp":
      return { profile, bytes, ...decoded(new TpDecoder(limits), bytes), fields: headerFields(bytes, limits) };
    case "pp-envelope":
      return { profile, bytes, ...decoded(new PpRequestDecoder(limits), bytes), fields: headerFields(bytes, limits) };
    case "pp-result": {
      const { fields } = multipartFields(bytes, false, limits);
      return { profile, bytes, ...decoded(new PpResultDecoder(limits), bytes), fields };
    }
    default:
      return { profile, bytes, messages: [], ...frameFields(profile, bytes, limits) };
  }
}

interface Decoder {
  push(chunk: Uint8Array): { readonly messages: readonly unknown[]; readonly error: WireError | null };
  end(): WireError | null;
}

function decoded(decoder: Decoder, bytes: Uint8Array) {
  const { messages, error } = decoder.push(bytes);
  return { messages, error: error ?? decoder.end() };
}
