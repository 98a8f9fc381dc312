import type { EventClass, Json, Limits } from "./protocol.ts";
import { seededBytes, seededInteger } from "./random.ts";

/**
 * The frames of the link check. They are laid out here a second time, by hand, from `spec/framing.md` and
 * `spec/tp-control.md`: the harness imports no codec, and asks for nothing here that a lookup table could know.
 */
export interface Probe {
  /** One whole frame, and the message that must come back. */
  readonly frame: Uint8Array;
  readonly value: Json;
  /** A length inside the frame's prefix: what is cut there must be refused at EOF. */
  readonly cut: number;
  readonly cutClass: EventClass;
  /** Bytes to which the only right answer is an error, and the limits under which that is so. */
  readonly wrong: Uint8Array;
  readonly wrongLimits: Limits;
  readonly wrongClass: EventClass;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

function bigEndian(value: number | bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(width);
  let rest = BigInt(value);
  for (let at = width - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}

interface Prefix {
  readonly lead: number | undefined;
  readonly width: number;
  readonly value: (payload: string, lead: number) => Json;
}

const PREFIXES: Readonly<Record<string, Prefix>> = {
  len32: { lead: undefined, width: 4, value: (payload) => ({ payload }) },
  len64: { lead: undefined, width: 8, value: (payload) => ({ payload }) },
  "len56-tagged": { lead: 255, width: 7, value: (payload, tag) => ({ tag, payload }) },
  "grpc-lpm": { lead: 0, width: 4, value: (payload, flag) => ({ flag, payload }) },
};

function prefixed(profile: string, layout: Prefix, seed: string, longest: number): Probe {
  const payload = seededBytes(seed, profile, seededInteger(seed, `${profile} length`, 1, Math.min(64, longest)));
  const lead = layout.lead === undefined ? 0 : seededInteger(seed, `${profile} lead`, 0, layout.lead);
  const prefix = (length: number) =>
    join(layout.lead === undefined ? new Uint8Array() : bigEndian(lead, 1), bigEndian(length, layout.width));
  return {
    frame: join(prefix(payload.length), payload),
    value: layout.value(hex(payload), lead),
    cut: seededInteger(seed, `${profile} cut`, 1, prefix(0).length - 1),
    cutClass: "eof.in-prefix",
    wrong: prefix(payload.length),
    wrongLimits: { max_frame_length: String(payload.length - 1) },
    wrongClass: "oversize.declared",
  };
}

function multipart(profile: string, seed: string): Probe {
  const body = seededBytes(seed, `${profile} body`, seededInteger(seed, `${profile} length`, 1, 32));
  const part = seededBytes(seed, `${profile} part`, 5);
  const hash = seededBytes(seed, `${profile} hash`, 8);
  const typed = profile === "multipart-typed";
  const payload = join(
    bigEndian(body.length, 8),
    body,
    typed ? join(bigEndian((1n << 63n) | BigInt(part.length), 8), hash) : bigEndian(part.length, 8),
    part,
  );
  const parts = typed ? [{ typehash: BigInt(`0x${hex(hash)}`).toString(), bytes: hex(part) }] : [hex(part)];
  return {
    frame: join(bigEndian(payload.length, 8), payload),
    value: { body: hex(body), parts },
    cut: seededInteger(seed, `${profile} cut`, 1, 7),
    cutClass: "eof.in-prefix",
    // A record that claims one byte more than its frame has.
    wrong: join(bigEndian(8 + body.length, 8), bigEndian(body.length + 1, 8), body),
    wrongLimits: {},
    wrongClass: "eof.in-body",
  };
}

function tp(seed: string): Probe {
  const fields = ["call_id", "chunk_index", "control_epoch", "cache_epoch"] as const;
  // Positive: bit 63 is clear.
  const words = fields.map((field) => {
    const bytes = seededBytes(seed, `tp ${field}`, 8);
    bytes[7] = (bytes[7] ?? 0) & 0x7f;
    return bytes;
  });
  const value = (bytes: Uint8Array) => BigInt(`0x${hex(bytes.toReversed())}`).toString();
  const header = (action: number) => join(...words, bigEndian(action, 8).toReversed());
  return {
    frame: header(0),
    value: {
      header: {
        ...Object.fromEntries(fields.map((field, i) => [field, value(words[i] ?? new Uint8Array())])),
        action: "NOOP",
      },
    },
    cut: seededInteger(seed, "tp cut", 1, 39),
    cutClass: "eof.in-header",
    wrong: header(seededInteger(seed, "tp action", 0x100, 0x7fffffff)),
    wrongLimits: {},
    wrongClass: "header.field",
  };
}

/** An error result, its call_id and message random: PPResultV1 as `spec/proto/pp_contract.proto` numbers its fields. */
function ppResult(seed: string): Probe {
  const id = (BigInt(`0x${hex(seededBytes(seed, "pp-result call_id", 8))}`) & ((1n << 56n) - 1n)) | (1n << 55n);
  // Eight groups of seven bits, least significant first; the last one has bit 55 and is not 0.
  const varint = Uint8Array.from({ length: 8 }, (_, i) => Number((id >> BigInt(7 * i)) & 0x7fn) | (i < 7 ? 0x80 : 0));
  const message = hex(seededBytes(seed, "pp-result message", seededInteger(seed, "pp-result length", 1, 32)));
  const text = new TextEncoder().encode(message);
  const body = join(Uint8Array.of(0x08, 1, 0x10), varint, Uint8Array.of(0x30, 0, 0x3a, text.length), text);
  const frame = (length: number) => join(bigEndian(8 + body.length, 8), bigEndian(length, 8), body);
  return {
    frame: frame(body.length),
    value: {
      pp_result_version: 1,
      call_id: id.toString(),
      chunk_index: "0",
      cache_epoch: "0",
      tensor_specs: [],
      ok: false,
      error_message: message,
      observed_generator_calls: 0,
      mesh_current_start_frame: "0",
      tensors: [],
    },
    cut: seededInteger(seed, "pp-result cut", 1, 7),
    cutClass: "eof.in-prefix",
    wrong: frame(body.length + 1),
    wrongLimits: {},
    wrongClass: "eof.in-body",
  };
}

/** Profiles whose smallest message is a control header alone. */
const HEADERS: ReadonlySet<string> = new Set(["tp", "tp-session", "pp-envelope", "pp-session"]);

/** The probe of a profile, or undefined for one that the harness knows no layout of. `longest`: the declared limit. */
export function probeOf(profile: string, seed: string, longest: number): Probe | undefined {
  const layout = PREFIXES[profile];
  if (layout !== undefined) return longest < 1 ? undefined : prefixed(profile, layout, seed, longest);
  if (profile === "multipart" || profile === "multipart-typed")
    return longest < 64 ? undefined : multipart(profile, seed);
  if (HEADERS.has(profile)) return tp(seed);
  return profile === "pp-result" && longest >= 128 ? ppResult(seed) : undefined;
}
