import {
  FrameDecoder,
  FrameEncoder,
  type FramingOptions,
  type FramingProfile,
  MultipartRecords,
  WireError,
} from "@tensorwire/framing";
import { decodeHeader, HEADER_SIZE } from "@tensorwire/tp-control";

/** A named range of the bytes, `[start, end)`, and what it says. Payload bytes have no value of their own. */
export interface Field {
  readonly start: number;
  readonly end: number;
  readonly field: string;
  readonly value?: string | number | bigint;
}

interface Judged {
  readonly fields: Field[];
  readonly error: WireError | null;
}

const LEADS: Partial<Record<FramingProfile, string>> = { "len56-tagged": "tag", "grpc-lpm": "flag" };

/** The frames of one prefix profile. */
export function frameFields(profile: FramingProfile, bytes: Uint8Array, limits: FramingOptions): Judged {
  const fields: Field[] = [];
  const decoder = new FrameDecoder(profile, limits);
  const batch = decoder.push(bytes);
  let at = 0;
  for (let i = 0; i < batch.count; i++) {
    fields.push(...prefixFields(profile, bytes, at), { start: batch.start(i), end: batch.end(i), field: "payload" });
    at = batch.end(i);
  }
  fields.push(...tornFields(profile, bytes, at));
  return { fields, error: batch.error ?? decoder.end() };
}

/** `len64` frames that hold multipart messages. */
export function multipartFields(bytes: Uint8Array, typed: boolean, limits: FramingOptions): Judged {
  const fields: Field[] = [];
  const decoder = new FrameDecoder("len64", limits);
  const records = new MultipartRecords({ typed });
  const batch = decoder.push(bytes);
  let at = 0;
  for (let i = 0; i < batch.count; i++) {
    fields.push(...prefixFields("len64", bytes, at));
    at = batch.end(i);
    try {
      records.read(bytes, batch.start(i), at, at);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      fields.push({ start: batch.start(i), end: at, field: "payload that is no multipart message" });
      return { fields, error };
    }
    fields.push(...recordFields(records, batch.start(i)));
  }
  fields.push(...tornFields("len64", bytes, at));
  return { fields, error: batch.error ?? decoder.end() };
}

/** TP messages and PP requests: a header, and after INFER a frame with a multipart message. */
export function headerFields(bytes: Uint8Array, limits: FramingOptions): Field[] {
  const fields: Field[] = [];
  const records = new MultipartRecords();
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < HEADER_SIZE) {
      fields.push({ start: at, end: bytes.length, field: "header, cut" });
      break;
    }
    const header = ints(bytes, at);
    fields.push(...header);
    const infer = header[4]!.value === "INFER";
    if (!infer && header[4]!.field !== "action") break;
    at += HEADER_SIZE;
    if (!infer) continue;
    const batch = new FrameDecoder("len64", limits).push(bytes, at, 1);
    if (batch.count === 0) {
      fields.push(...tornFields("len64", bytes, at));
      break;
    }
    fields.push(...prefixFields("len64", bytes, at));
    at = batch.end(0);
    try {
      records.read(bytes, batch.start(0), at, at);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      fields.push({ start: batch.start(0), end: at, field: "payload that is no multipart message" });
      break;
    }
    fields.push(...recordFields(records, batch.start(0)));
  }
  return fields;
}

const HEADER_FIELDS = ["call_id", "chunk_index", "control_epoch", "cache_epoch", "action"] as const;

function ints(bytes: Uint8Array, at: number): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_SIZE);
  return HEADER_FIELDS.map((field, i) => {
    const range = { start: at + 8 * i, end: at + 8 * i + 8 };
    const value = view.getBigInt64(8 * i, true);
    if (field !== "action") return { ...range, field, value };
    try {
      return {
        ...range,
        field,
        value: decodeHeader(bytes, at, (code, message) => new WireError({ code, message })).action,
      };
    } catch {
      return { ...range, field: "action, unknown", value };
    }
  });
}

function prefixFields(profile: FramingProfile, bytes: Uint8Array, at: number): Field[] {
  const size = new FrameEncoder(profile).prefixSize;
  const lead = LEADS[profile];
  const from = lead === undefined ? at : at + 1;
  let value = 0n;
  for (let i = from; i < at + size; i++) value = value * 256n + BigInt(bytes[i]!);
  const length: Field = { start: from, end: at + size, field: "length", value };
  return lead === undefined ? [length] : [{ start: at, end: at + 1, field: lead, value: bytes[at]! }, length];
}

/** The frame that the bytes do not finish, or that is refused. */
function tornFields(profile: FramingProfile, bytes: Uint8Array, at: number): Field[] {
  const size = new FrameEncoder(profile).prefixSize;
  if (at === bytes.length) return [];
  if (bytes.length - at < size) return [{ start: at, end: bytes.length, field: "prefix, cut" }];
  const prefix = prefixFields(profile, bytes, at);
  if (bytes.length === at + size) return prefix;
  return [...prefix, { start: at + size, end: bytes.length, field: "payload, not whole or not read" }];
}

function recordFields(records: MultipartRecords, start: number): Field[] {
  const fields: Field[] = [];
  let at = start;
  for (let i = 0; i < records.count; i++) {
    const name = i === 0 ? "body" : `part ${i - 1}`;
    const from = records.offsets[2 * i]!;
    const end = records.offsets[2 * i + 1]!;
    const hash = records.hashes[i];
    fields.push({ start: at, end: at + 8, field: `${name} length`, value: end - from });
    if (hash !== undefined) fields.push({ start: at + 8, end: from, field: `${name} typehash`, value: hash });
    fields.push({ start: from, end, field: name });
    at = end;
  }
  return fields;
}
