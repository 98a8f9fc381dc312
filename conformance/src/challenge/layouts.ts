import type { EventClass, Json } from "../protocol.ts";
import type { Draw } from "./draw.ts";
import { bigEndian, type Writer } from "./writer.ts";

/** The limit under which every challenge is put. */
export const LIMIT = 1024;

/** A way to break one rule: what is written after good messages, and the rules that it is about. */
export interface Fault {
  readonly name: string;
  readonly rules: readonly string[];
  write(writer: Writer, draw: Draw): void;
}

/** The layout of one profile a second time, by hand from `spec/`: the harness imports no codec. */
export interface Layout {
  readonly profile: string;
  /** Of right messages, in any reads. */
  readonly rules: readonly string[];
  /** Of a stream that ends anywhere. */
  readonly endRules: readonly string[];
  readonly encodeRules: readonly string[];
  message(writer: Writer, draw: Draw): void;
  readonly faults: readonly Fault[];
  /** A value that an encoder refuses, with the class. */
  refusal(draw: Draw): { readonly value: Json; readonly class: EventClass; readonly rules: readonly string[] };
}

const hex = (bytes: Uint8Array) => bytes.toHex();
const PREFIX = "eof.in-prefix";
const BODY = "eof.in-body";

function prefixed(profile: string, rules: string, width: number, lead?: "tag" | "flag"): Layout {
  const begin = (writer: Writer, length: number | bigint, first: number) => {
    if (lead !== undefined) writer.put(lead, bigEndian(first, 1), PREFIX);
    return writer.put("length", bigEndian(length, width), PREFIX);
  };
  const shown = (payload: Uint8Array, first: number): Json => ({
    ...(lead === undefined ? {} : { [lead]: first }),
    payload: hex(payload),
  });
  const leadOf = (draw: Draw) => (lead === "tag" ? draw.integer(0, 255) : 0);
  const rule = (name: string) => `${rules}.${name}`;
  const over: Fault = {
    name: "over",
    rules: [rule("limit.oversize"), rule("limit.before-body")],
    write: (writer, draw) => {
      // Any number above the limit, as often a small one as one that fills the field.
      const length = BigInt(LIMIT + 1) + (draw.word(width) >> BigInt(draw.integer(11, 8 * width - 1)));
      begin(writer, length, leadOf(draw)).error("oversize.declared");
      writer.put("payload", draw.bytes(draw.integer(0, 40)), BODY);
    },
  };
  const flag = (name: string, id: string, low: number, high: number, word: EventClass): Fault => ({
    name,
    rules: [id],
    write: (writer, draw) => {
      writer.put("flag", bigEndian(draw.integer(low, high), 1), PREFIX).error(word);
      writer.put("length", bigEndian(draw.integer(0, 9), width), PREFIX);
    },
  });
  const flags = [
    flag("compressed", "grpc.flag.compressed", 1, 1, "codec.unsupported"),
    flag("reserved", "grpc.flag.reserved", 2, 255, "flags.reserved"),
  ];
  return {
    profile,
    rules: [rule("prefix.layout"), rule("boundary.chunking"), rule("boundary.glued")],
    endRules: [rule("eof.mid-prefix"), rule("eof.mid-body"), rule("eof.boundary")],
    encodeRules: [rule("encode.layout")],
    message: (writer, draw) => {
      const payload = draw.bytes(draw.chance(20) ? 0 : draw.integer(1, draw.pick([8, 64, 300, LIMIT])));
      const first = leadOf(draw);
      begin(writer, payload.length, first).put("payload", payload, BODY).message(shown(payload, first));
    },
    faults: lead === "flag" ? [over, ...flags] : [over],
    refusal: (draw) => ({
      value: shown(draw.bytes(LIMIT + draw.integer(1, 9)), leadOf(draw)),
      class: "oversize.declared",
      rules: [rule("encode.refusal")],
    }),
  };
}

function multipart(typed: boolean): Layout {
  const profile = typed ? "multipart-typed" : "multipart";
  const TYPED = 1n << 63n;
  interface Part {
    readonly bytes: Uint8Array;
    readonly hash: Uint8Array | null;
  }
  const record = ({ bytes, hash }: Part) => [
    { field: "record_length", bytes: bigEndian(BigInt(bytes.length) | (hash === null ? 0n : TYPED), 8) },
    ...(hash === null ? [] : [{ field: "typehash", bytes: hash }]),
    { field: "part", bytes },
  ];
  const put = (
    writer: Writer,
    fields: readonly { readonly field: string; readonly bytes: Uint8Array }[],
    length?: number,
  ) => {
    const whole = fields.reduce((sum, { bytes }) => sum + bytes.length, 0);
    writer.put("length", bigEndian(length ?? whole, 8), PREFIX);
    for (const { field, bytes } of fields) writer.put(field, bytes, BODY);
    return writer;
  };
  const drawPart = (draw: Draw): Part => ({
    bytes: draw.bytes(draw.chance(25) ? 0 : draw.integer(1, 60)),
    hash: typed && draw.chance(50) ? draw.bytes(8) : null,
  });
  const drawn = (draw: Draw) => Array.from({ length: draw.integer(1, 5) }, () => drawPart(draw));
  const shown = ([body, ...parts]: readonly Part[]): Json => ({ body: show(body!), parts: parts.map(show) });
  const show = ({ bytes, hash }: Part): Json =>
    hash === null ? hex(bytes) : { typehash: BigInt(`0x${hex(hash)}`).toString(), bytes: hex(bytes) };
  const fault = (name: string, rule: string, word: EventClass, tail: (draw: Draw) => Uint8Array): Fault => ({
    name,
    rules: [rule],
    write: (writer, draw) => {
      put(writer, [...drawn(draw).flatMap(record), { field: "record_length", bytes: tail(draw) }]).error(word);
    },
  });
  const cut = typed
    ? [
        fault(
          "hash-cut",
          "multipart-typed.hash.cut",
          "eof.in-header",
          (draw) =>
            new Uint8Array(
              Buffer.concat([bigEndian(TYPED | BigInt(draw.integer(0, 99)), 8), draw.bytes(draw.integer(0, 7))]),
            ),
        ),
      ]
    : [];
  return {
    profile,
    rules: [`${profile}.record.layout`, ...(typed ? ["multipart-typed.record.mixed"] : ["multipart.record.order"])],
    endRules: ["len64.eof.mid-prefix", "len64.eof.mid-body", "len64.eof.boundary"],
    encodeRules: [`${profile}.encode.layout`],
    message: (writer, draw) => {
      const parts = drawn(draw);
      put(writer, parts.flatMap(record)).message(shown(parts));
    },
    faults: [
      fault("prefix-cut", "multipart.prefix.cut", PREFIX, (draw) => draw.bytes(draw.integer(1, 7))),
      fault("record-cut", typed ? "multipart-typed.record.cut" : "multipart.record.cut", BODY, (draw) => {
        const body = draw.bytes(draw.integer(0, 30));
        return new Uint8Array(Buffer.concat([bigEndian(body.length + draw.integer(1, 1 << 30), 8), body]));
      }),
      { name: "no-body", rules: ["multipart.body.required"], write: (writer) => void put(writer, []).error(PREFIX) },
      ...cut,
    ],
    refusal: (draw) => ({
      value: { body: hex(draw.bytes(LIMIT - 7)), parts: [] },
      class: "oversize.declared",
      rules: ["multipart.encode.refusal"],
    }),
  };
}

const SLOTS = ["call_id", "chunk_index", "control_epoch", "cache_epoch"] as const;

/** Headers alone: what INFER carries is judged by many rules, and drawn by none here. */
function headers(profile: "tp" | "pp-envelope"): Layout {
  const HEADER = "eof.in-header";
  const begin = (writer: Writer, draw: Draw, action: bigint) => {
    const words = SLOTS.map((slot) => {
      const bytes = draw.bytes(8);
      writer.put(slot, bytes, HEADER);
      return [slot, BigInt.asIntN(64, BigInt(`0x${hex(bytes.toReversed())}`)).toString()];
    });
    writer.put("action", bigEndian(BigInt.asUintN(64, action), 8).toReversed(), HEADER);
    return Object.fromEntries(words) as Record<string, string>;
  };
  const layout = profile === "tp" ? ["tp.header.layout"] : ["pp.header.layout", "tp.header.layout"];
  const first = profile === "tp" ? "tp" : "pp";
  return {
    profile,
    rules: [...layout, "tp.header.byte-order", "tp.header.int64-exact", `${first}.boundary.chunking`],
    endRules: [...layout, "tp.header.cut"],
    encodeRules: [`${first}.encode.layout`],
    message: (writer, draw) => {
      const action = draw.chance(50) ? 0 : 2;
      const words = begin(writer, draw, BigInt(action));
      writer.message({ header: { ...words, action: action === 0 ? "NOOP" : "SHUTDOWN" } });
    },
    faults: [
      {
        name: "action",
        rules: profile === "tp" ? ["tp.action.unknown"] : ["pp.action.values"],
        write: (writer, draw) => {
          const word = BigInt.asIntN(64, draw.word(8) >> BigInt(draw.integer(0, 60)));
          begin(writer, draw, word >= 0n && word < 3n ? word + 3n : word);
          writer.error("header.field").put("call_id", draw.bytes(draw.integer(0, 45)), HEADER);
        },
      },
    ],
    refusal: (draw) => {
      const words = Object.fromEntries(SLOTS.map((slot) => [slot, BigInt.asIntN(64, draw.word(8)).toString()]));
      const slot = draw.pick(SLOTS);
      const beyond = (draw.word(7) + (1n << 63n)) * (draw.chance(50) ? 1n : -1n) - 1n;
      const far = beyond > 0n ? beyond + 1n : beyond;
      return {
        value: { header: { ...words, [slot]: far.toString(), action: "NOOP" } },
        class: "header.field",
        rules: [`${first}.encode.field-range`],
      };
    },
  };
}

export const LAYOUTS: readonly Layout[] = [
  prefixed("len32", "len32", 4),
  prefixed("len64", "len64", 8),
  prefixed("len56-tagged", "len56", 7, "tag"),
  prefixed("grpc-lpm", "grpc", 4, "flag"),
  multipart(false),
  multipart(true),
  headers("tp"),
  headers("pp-envelope"),
];
