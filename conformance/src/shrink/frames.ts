import { toEventBytes } from "../corpus/bytes.ts";
import { fatalError } from "../corpus/stream.ts";
import type { FieldType, ProfileFile } from "../corpus/vector-file.ts";
import type { Json } from "../protocol.ts";
import type { Unit } from "./scenario.ts";

const WIDTHS: Partial<Record<FieldType, number>> = { u32be: 4, u56be: 7, u64be: 8 };

/** A profile whose message is a length and a payload, with at most one byte before: those can be written again, shorter. */
export function isFramed({ fields }: Pick<ProfileFile, "fields">): boolean {
  const names = Object.keys(fields);
  const [lead] = names;
  if (names.length === 3 && lead !== undefined && fields[lead]?.type !== "u8") return false;
  return (
    names.length <= 3 &&
    names.at(-1) === "payload" &&
    names.at(-2) === "length" &&
    WIDTHS[fields.length?.type ?? "bytes"] !== undefined
  );
}

/** Bytes of the length of such a profile. */
export const widthOf = ({ fields }: Pick<ProfileFile, "fields">) => WIDTHS[fields.length?.type ?? "bytes"] ?? 0;

export const payloadOf = ({ fields }: Unit) =>
  fields.find(({ field }) => field === "payload")?.bytes ?? new Uint8Array();

/** The length that a unit declares; undefined where its prefix is cut. */
export function declared({ fields }: Unit, profile: Pick<ProfileFile, "fields">): bigint | undefined {
  const length = fields.find(({ field }) => field === "length")?.bytes;
  if (length === undefined || length.length !== widthOf(profile)) return undefined;
  return BigInt(`0x${Buffer.from(length).toString("hex")}`);
}

/** The same unit with this payload and this declared length, and the event that they give. */
export function rewrite(unit: Unit, payload: Uint8Array, length: bigint): Unit {
  const fields: Unit["fields"][number][] = [];
  for (const field of unit.fields) {
    if (field.field === "length") fields.push({ ...field, bytes: bigEndian(length, field.bytes.length) });
    else if (field.field !== "payload") fields.push(field);
    else if (payload.length > 0) fields.push({ ...field, bytes: payload });
  }
  const end = fields.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const { event } = unit;
  if (event === undefined) return { fields };
  if (event.event.event === "error") {
    return { fields, event: { at: event.at, event: fatalError(event.event.class as never, event.at) } };
  }
  if (event.event.event !== "message") return { fields, event };
  const value = { ...(event.event.value as Readonly<Record<string, Json>>), payload: toEventBytes(payload) as Json };
  return { fields, event: { at: end, event: { event: "message", value } } };
}

export function bigEndian(value: bigint, width: number): Uint8Array {
  return Uint8Array.fromHex(value.toString(16).padStart(2 * width, "0"));
}
