import type { Event, Json } from "@tensorwire/conformance/protocol";
import { FrameDecoder, FrameEncoder, type FramingProfile } from "@tensorwire/framing";
import { readBytes, showBytes } from "./bytes.ts";
import type { CaseDecoder, CaseEncoder, CaseLimits } from "./codec.ts";

const LEAD: Partial<Record<FramingProfile, string>> = { "len56-tagged": "tag", "grpc-lpm": "flag" };

export function frameDecoder(profile: FramingProfile, limits: CaseLimits): CaseDecoder {
  const decoder = new FrameDecoder(profile, limits);
  const lead = LEAD[profile];
  return {
    push: (chunk) => {
      const batch = decoder.push(chunk);
      const events: Event[] = [];
      for (let i = 0; i < batch.count; i++) {
        const payload = showBytes(batch.view(i));
        events.push({ event: "message", value: lead === undefined ? { payload } : { [lead]: batch.lead(i), payload } });
      }
      return { events, error: batch.error };
    },
    end: () => decoder.end(),
  };
}

export function frameEncoder(profile: FramingProfile, limits: CaseLimits): CaseEncoder {
  const encoder = new FrameEncoder(profile, limits);
  const lead = LEAD[profile];
  return (value) => {
    const payload = readBytes(value.payload);
    const number = lead === undefined ? 0 : numberOf(value[lead]);
    encoder.check(payload.length, number);
    return encoder.encode(payload.build(), number);
  };
}

const numberOf = (value: Json | undefined) => (value === undefined ? 0 : Number(value));
