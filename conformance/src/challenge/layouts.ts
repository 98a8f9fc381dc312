import type { EventClass, Json } from "../protocol.ts";
import type { Draw } from "./draw.ts";
import { ACTIONS, drawIds, HEADER, putHeader, SLOTS, shownHeader } from "./header.ts";
import { envelopes, manifests, results } from "./infer.ts";
import { type Fault, type Layout, LIMIT } from "./layout.ts";
import { sessions } from "./sessions.ts";
import { BODY, bigEndian, PREFIX, type Writer } from "./writer.ts";

const hex = (bytes: Uint8Array) => bytes.toHex();

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
  const record = ({ bytes, hash }: Part, at: number) => [
    {
      field: at === 0 ? "body_length" : "part_length",
      bytes: bigEndian(BigInt(bytes.length) | (hash === null ? 0n : TYPED), 8),
    },
    ...(hash === null ? [] : [{ field: "typehash", bytes: hash }]),
    { field: at === 0 ? "body" : "part", bytes },
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
      put(writer, [...drawn(draw).flatMap(record), { field: "part_length", bytes: tail(draw) }]).error(word);
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

/** Headers alone, which an implementation may know without what INFER carries. */
function headers(profile: "tp" | "pp-envelope"): Layout {
  const layout = profile === "tp" ? ["tp.header.layout"] : ["pp.header.layout", "tp.header.layout"];
  const first = profile === "tp" ? "tp" : "pp";
  return {
    profile,
    rules: [...layout, "tp.header.byte-order", "tp.header.int64-exact", `${first}.boundary.chunking`],
    endRules: [...layout, "tp.header.cut"],
    encodeRules: [`${first}.encode.layout`],
    message: (writer, draw) => {
      const action = draw.chance(50) ? "NOOP" : "SHUTDOWN";
      const ids = drawIds(draw);
      putHeader(writer, ids, ACTIONS[action]).message({ header: shownHeader(ids, action) });
    },
    faults: [
      {
        name: "action",
        rules: profile === "tp" ? ["tp.action.unknown"] : ["pp.action.values"],
        write: (writer, draw) => {
          const ids = drawIds(draw);
          const word = BigInt.asIntN(64, draw.word(8) >> BigInt(draw.integer(0, 60)));
          putHeader(writer, ids, word >= 0n && word < 3n ? word + 3n : word).error("header.field");
          writer.put("call_id", draw.bytes(draw.integer(0, 45)), HEADER);
        },
      },
    ],
    refusal: (draw) => {
      const slot = draw.pick(SLOTS);
      const beyond = (draw.word(7) + (1n << 63n)) * (draw.chance(50) ? 1n : -1n) - 1n;
      const far = beyond > 0n ? beyond + 1n : beyond;
      return {
        value: { header: { ...shownHeader(drawIds(draw), "NOOP"), [slot]: far.toString() } },
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
  manifests(),
  envelopes(),
  results(),
  sessions("tp"),
  sessions("pp"),
];
