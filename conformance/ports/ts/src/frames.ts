import type { Event, Json } from "@tensorwire/conformance/protocol";
import { FrameDecoder, FrameEncoder, type FramingProfile } from "@tensorwire/framing";
import { readBytes, showBytes } from "./bytes.ts";
import type { CaseDecoder, CaseEncoder, CaseLimits, Keep } from "./codec.ts";

const LEAD: Partial<Record<FramingProfile, string>> = { "len56-tagged": "tag", "grpc-lpm": "flag" };

export function frameDecoder(profile: FramingProfile, limits: CaseLimits, keep?: Keep): CaseDecoder {
  const decoder = new FrameDecoder(profile, limits);
  const lead = LEAD[profile];
  return {
    push: (chunk) => {
      const batch = decoder.push(chunk);
      const events: Event[] = [];
      for (let i = 0; i < batch.count; i++) {
        const number = batch.lead(i);
        const show = (payload: Uint8Array): Json =>
          lead === undefined ? { payload: showBytes(payload) } : { [lead]: number, payload: showBytes(payload) };
        // A frame is lent; who keeps it takes it.
        const payload = keep === undefined ? batch.view(i) : batch.take(i);
        keep?.(() => show(payload));
        events.push({ event: "message", value: show(payload) });
      }
      return { events, error: batch.error };
    },
    end: () => decoder.end(),
    memory: () => decoder.memory,
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
