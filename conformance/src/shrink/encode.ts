import { bytesEvent } from "../corpus/bytes.ts";
import type { Case } from "../corpus/types.ts";
import type { FileEncodeVector, ProfileFile } from "../corpus/vector-file.ts";
import type { EventClass, Json } from "../protocol.ts";
import { bigEndian, isFramed } from "./frames.ts";
import { idOf, segment } from "./vector.ts";

type Profile = Pick<ProfileFile, "fields">;
type Value = Readonly<Record<string, Json>>;

/** Encode cases that are a step smaller: fewer steps, and where the layout is a length and a payload, shorter payloads. */
export function* smallerEncode(about: Case, profile: Profile): Iterable<Case> {
  const { steps, expected } = about;
  for (const i of steps.keys()) {
    if (steps.length === 1) break;
    yield { ...about, steps: steps.toSpliced(i, 1), expected: expected.toSpliced(i, 1) };
  }
  if (!isFramed(profile)) return;
  for (const [i, step] of steps.entries()) {
    const payload = "encode" in step ? (step.encode as Value).payload : undefined;
    const [answer] = expected[i] ?? [];
    if (!("encode" in step) || typeof payload !== "string" || answer?.event !== "bytes" || !("hex" in answer)) continue;
    const size = payload.length / 2;
    for (const shorter of [0, 1, size >> 1, size - 1]) {
      if (shorter < 0 || shorter >= size) continue;
      const kept = payload.slice(0, 2 * shorter);
      const bytes = Uint8Array.fromHex(prefix(answer.hex, profile, shorter) + kept);
      yield {
        ...about,
        steps: steps.with(i, { encode: { ...(step.encode as Value), payload: kept } }),
        expected: expected.with(i, [bytesEvent(bytes)]),
      };
    }
  }
}

/** The prefix of an encoded frame with another length in it: what stands before the length stays. */
function prefix(hex: string, { fields }: Profile, length: number): string {
  const lead = "length" in fields && Object.keys(fields)[0] !== "length" ? 1 : 0;
  return hex.slice(0, 2 * lead) + bigEndian(BigInt(length), WIDTHS[fields.length?.type ?? ""] ?? 0).toHex();
}

/** One encode step as a vector; undefined for more, or where the fields of the bytes are not known. */
export function encodeVectorOf(
  about: Case,
  profile: Profile,
  why: string,
  sibling: string,
): FileEncodeVector | undefined {
  const [step, ...more] = about.steps;
  const [answer] = about.expected[0] ?? [];
  if (step === undefined || !("encode" in step) || more.length > 0 || answer === undefined) return undefined;
  const common = {
    rules: about.rules,
    level: about.level,
    role: "encode" as const,
    why,
    limits: about.limits,
    value: step.encode,
  };
  if (answer.event === "error") {
    const body = { ...common, refusal: answer.class as EventClass, sibling, sweeps: {} };
    return { id: idOf(about.profile, body), ...body };
  }
  if (answer.event !== "bytes" || !("hex" in answer) || !isFramed(profile)) return undefined;
  const bytes = Uint8Array.fromHex(answer.hex);
  const widths = Object.entries(profile.fields).map(([field, { type }]) => [field, WIDTHS[type]] as const);
  let at = 0;
  const segments = widths.flatMap(([field, width]) => {
    const piece = bytes.subarray(at, width === undefined ? undefined : at + width);
    at += piece.length;
    return piece.length === 0 ? [] : [segment(field, piece)];
  });
  const body = { ...common, bytes: segments, sweeps: {} };
  return { id: idOf(about.profile, body), ...body };
}

const WIDTHS: Readonly<Record<string, number | undefined>> = { u8: 1, u32be: 4, u56be: 7, u64be: 8 };
