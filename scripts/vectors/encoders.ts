import {
  bytesEvent,
  type FamilyFiles,
  type FileVector,
  resolveValue,
  segmentBytes,
} from "@tensorwire/conformance/corpus";
import type { Answer, Event, Json, Limits } from "@tensorwire/conformance/protocol";
import { handleCase } from "@tensorwire/iut-ts";

/**
 * The second derivation of the golden bytes: what the TypeScript encoders (@tensorwire/framing, @tensorwire/tp-control) emit
 * for a vector's messages must be the stored bytes, and what they refuse must be what the vector refuses.
 */
export interface EncoderCheck {
  readonly messages: number;
  readonly refusals: number;
  readonly faults: readonly string[];
}

/** What a session receives is encoded by the profile of its layout. */
const SENDERS: Readonly<Record<string, string>> = { "tp-session": "tp", "pp-session": "pp-envelope" };

export function checkEncoders(families: readonly FamilyFiles[]): EncoderCheck {
  const faults: string[] = [];
  let messages = 0;
  let refusals = 0;
  for (const { family, bins } of families) {
    for (const vector of family.vectors) {
      for (const { value, expected } of goldens(vector, bins)) {
        if (expected.event === "error") refusals++;
        else messages++;
        const came = encode(SENDERS[family.profile] ?? family.profile, vector, value);
        if (Bun.deepEquals(came, [expected])) continue;
        faults.push(`${vector.id}: stored ${JSON.stringify(expected)}, the encoder gives ${JSON.stringify(came)}`);
      }
    }
  }
  return { messages, refusals, faults };
}

interface Golden {
  readonly value: Json;
  readonly expected: Event;
}

function goldens(vector: FileVector, bins: FamilyFiles["bins"]): Golden[] {
  const bytes = Buffer.concat((vector.bytes ?? []).map((segment) => segmentBytes(segment, bins)));
  if (vector.role === "encode") {
    const expected: Event = vector.refusal
      ? { event: "error", class: vector.refusal, at: "0", fatal: false }
      : bytesEvent(bytes);
    return [{ value: resolveValue(vector.value, bins, "request"), expected }];
  }
  if (vector.noncanonical) return [];
  let start = 0;
  return vector.events.flatMap((event): Golden[] => {
    const expected = bytesEvent(bytes.subarray(start, event.at));
    start = event.at;
    if (event.event !== "message") return [];
    return [{ value: resolveValue(event.value, bins, "request"), expected }];
  });
}

/** A decode vector's limits are those of a receiver; of them only the frame's length binds an encoder too. */
function limitsOf({ role, limits }: FileVector): Limits {
  if (role === "encode") return limits;
  const { max_frame_length } = limits;
  return max_frame_length === undefined ? {} : { max_frame_length };
}

function encode(profile: string, vector: FileVector, value: Json): readonly Event[] | Answer {
  const limits = limitsOf(vector);
  const request = {
    op: "case",
    seq: 0,
    id: vector.id,
    profile,
    role: "encode",
    limits,
    steps: [{ encode: value }],
  } as const;
  const answer = handleCase(request);
  if (answer.op !== "result") return answer;
  // Free text is never compared.
  return answer.steps.flat().map((event) => (event.event === "error" ? withoutText(event) : event));
}

function withoutText({ text: _, ...event }: Event & { event: "error" }): Event {
  return event;
}
