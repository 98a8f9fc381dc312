import { describe, expect, test } from "bun:test";
import { encodeMultipart, FrameEncoder } from "@tensorwire/framing";
import type { TensorSource } from "@tensorwire/tensor-spec";
import fc from "fast-check";
import { encodeHeader, type TpHeader } from "./header.ts";
import { prepareTp, TpDecoder, type TpMessageInit } from "./message.ts";
import { concat, decodeEveryWay, decodeInChunks, hex, refusalOf } from "./testing.ts";

const header = (over: Partial<TpHeader> = {}): TpHeader => ({
  call_id: 7n,
  chunk_index: 3n,
  control_epoch: 7n,
  cache_epoch: 1n,
  action: "INFER",
  ...over,
});
const tensors: TensorSource[] = [
  { key: "x", dtype: "float32", shape: [2], data: new Float32Array([1, 2]) },
  { key: "ids", index: 1, dtype: "int64", shape: [1], data: new BigInt64Array([-5n]) },
  { key: "ids", dtype: "int64", shape: [0, 4], data: new Uint8Array(0) },
];
const infer = (over: Partial<TpMessageInit> = {}) =>
  prepareTp({ header: header(), manifest: { kwargs: { scale: 0.5 } }, tensors, ...over });
const noop = prepareTp({ header: header({ action: "NOOP" }) });
const shutdown = prepareTp({ header: header({ action: "SHUTDOWN" }) });

/** A header, then a frame of the records given, whatever they are. */
function raw(records: readonly Uint8Array[], over: Partial<TpHeader> = {}): Uint8Array<ArrayBuffer> {
  const [body = new Uint8Array(0), ...parts] = records;
  const payload = encodeMultipart({ body: { bytes: body }, parts: parts.map((bytes) => ({ bytes })) });
  return concat(encodeHeader(header(over)), new FrameEncoder("len64").encode(payload));
}
const outcome = (stream: Uint8Array) => {
  const { messages, error } = decodeInChunks(new TpDecoder(), stream);
  return [messages.length, error?.code, error?.offset];
};

// tp_envelope_version 1; one spec: key "x", dtype "float32", shape [1].
const SPEC_X = "0a0178 1a07666c6f61743332 220101";
const MANIFEST_X = hex(`0801 120f ${SPEC_X}`);

describe("layout", () => {
  test("golden INFER: the bytes, both ways", () => {
    const golden = raw([MANIFEST_X, hex("0000803f")]);
    const made = prepareTp({
      header: header(),
      manifest: {},
      tensors: [{ key: "x", dtype: "float32", shape: [1], data: new Float32Array([1]) }],
    });
    expect(concat(made.buffers)).toEqual(golden);
    const { messages, error } = decodeInChunks(new TpDecoder(), golden);
    expect(error).toBeNull();
    expect(messages).toEqual([
      {
        header: { ...header(), action: "INFER" },
        manifest: {
          tp_envelope_version: 1,
          tensor_specs: [{ key: "x", dtype: "float32", shape: [1] }],
          kwargs: {},
          tp_plan: "",
        },
        tensors: [{ key: "x", dtype: "float32", shape: [1], data: hex("0000803f") }],
      },
    ]);
  });

  test("tp.action.header-only, tp.shutdown.not-last: NOOP and SHUTDOWN are 40 bytes, and what follows is a message", () => {
    expect([noop.byteLength, shutdown.byteLength]).toEqual([40, 40]);
    const decoder = new TpDecoder();
    expect(decoder.push(concat(shutdown.buffers)).messages).toHaveLength(1);
    expect(decoder.push(concat(noop.buffers)).messages).toHaveLength(1);
    expect(decoder.end()).toBeNull();
  });

  test("tp.boundary.chunking, tp.boundary.glued: every cut gives the same messages", () => {
    const stream = concat(noop.buffers, infer().buffers, infer({ tensors: [] }).buffers, shutdown.buffers);
    const [whole, ...others] = decodeEveryWay(() => new TpDecoder(), stream);
    expect(whole!.error).toBeNull();
    expect(whole!.messages.map((m) => m.header.action)).toEqual(["NOOP", "INFER", "INFER", "SHUTDOWN"]);
    for (const other of others) expect(other).toEqual(whole!);
  });

  test("any message survives the round trip, at any cuts", () => {
    const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
    const tensor = fc
      .tuple(fc.string({ minLength: 1 }), fc.option(fc.nat(), { nil: undefined }), shape)
      .map(([key, index, dims]) => {
        const data = new Uint8Array(dims.reduce((a, b) => a * b, 2)).fill(key.length);
        return { key, ...(index !== undefined && { index }), dtype: "float16" as const, shape: dims, data };
      });
    const list = fc.uniqueArray(tensor, { selector: ({ key, index }) => `${index}/${key}`, maxLength: 5 });
    const safe = (_: string, value: unknown) => (Number.isInteger(value) && !Number.isSafeInteger(value) ? 1 : value);
    const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value), safe));
    const kwargs = fc.dictionary(fc.string(), json);
    fc.assert(
      fc.property(list, kwargs, fc.array(fc.nat(400), { maxLength: 6 }), (sources, args, cuts) => {
        const stream = concat(prepareTp({ header: header(), manifest: { kwargs: args }, tensors: sources }).buffers);
        const at = cuts.filter((cut) => cut <= stream.length).sort((a, b) => a - b);
        const { messages, error } = decodeInChunks(new TpDecoder(), stream, at);
        expect(error).toBeNull();
        const message = messages[0]!;
        if (!("manifest" in message)) throw new Error("expected an INFER");
        // -0 is 0 in JSON, so both sides go through it.
        expect(JSON.parse(JSON.stringify(message.manifest.kwargs))).toEqual(JSON.parse(JSON.stringify(args)));
        const arrived = message.tensors.map(({ key, index, data }) => `${key}/${index}/${data}`).sort();
        expect(arrived).toEqual(sources.map(({ key, index, data }) => `${key}/${index}/${data}`).sort());
      }),
      { numRuns: 60 },
    );
  });
});

describe("EOF at every byte", () => {
  test("tp.header.cut, tp.infer.cut-before-prefix, tp.infer.cut-prefix, tp.infer.cut-body, tp.eof.boundary", () => {
    const stream = concat(noop.buffers, infer().buffers);
    for (let end = 0; end <= stream.length; end++) {
      const expected =
        end === 0 || end === 40 || end === stream.length
          ? undefined
          : end < 80
            ? "eof.in-header"
            : end < 88
              ? "eof.in-prefix"
              : "eof.in-body";
      const whole = end === stream.length ? 2 : end < 40 ? 0 : 1;
      expect(outcome(stream.slice(0, end))).toEqual([whole, expected, expected && end]);
    }
  });
});

test("a decoder is inside a message from its first byte to its last", () => {
  const decoder = new TpDecoder();
  const inside = (...chunks: Uint8Array[]) => chunks.map((chunk) => decoder.push(chunk) && decoder.inside);
  expect(decoder.inside).toBeFalse();
  const whole = concat(infer().buffers);
  expect(inside(whole.slice(0, 1), whole.slice(1, 40), whole.slice(40, 60), whole.slice(60))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(inside(concat(noop.buffers).slice(0, 39), concat(noop.buffers).slice(39))).toEqual([true, false]);
});

describe("errors", () => {
  test("tp.action.unknown: at header start + 40 with no later byte, tp.error.delivered-before, tp.error.sticky", () => {
    const bad = concat(encodeHeader(header()));
    bad[32] = 3;
    const decoder = new TpDecoder();
    const { messages, error } = decoder.push(concat(noop.buffers, bad));
    expect([messages.length, error?.code, error?.offset]).toEqual([1, "header.field", 80]);
    expect(decoder.push(concat(noop.buffers))).toEqual({ messages: [], error });
    expect(decoder.end()).toBe(error);
    expect(decoder.error).toBe(error);
  });

  test("tp.infer.oversize: a terabyte promised in 48 bytes is refused with the prefix, and costs nothing", () => {
    const bomb = concat(noop.buffers, encodeHeader(header()), hex("0000010000000000"));
    expect(outcome(bomb)).toEqual([1, "oversize.declared", 88]);
    const decoder = new TpDecoder({ maxFrameLength: 2 ** 31 - 1 });
    expect(decoder.push(concat(encodeHeader(header()), hex("000000007fffffff"))).error).toBeNull();
    expect(decoder.memory.held).toBe(0);
    expect(decoder.end()?.code).toBe("eof.in-body");
  });

  test("tp.spec.count, tp.spec.rank: half a million specs or dimensions in one megabyte are refused unparsed", () => {
    const fill = (length: number, ...pattern: number[]) =>
      Uint8Array.from({ length }, (_, i) => pattern[i % pattern.length]!);
    const specs = concat(hex("0801"), fill(2 ** 20 - 2, 0x12, 0));
    const packed = concat(hex("0801 12 84803c 22 80803c"), fill(0xf0000, 1));
    const loose = concat(hex("0801 12 80803c"), fill(0xf0000, 0x20, 1));
    for (const manifest of [specs, packed, loose]) {
      const bomb = raw([manifest]);
      expect(outcome(bomb)).toEqual([0, "spec.mismatch", bomb.length]);
      expect(new TpDecoder().push(bomb).error?.message).toContain("elements, ");
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < 5; i++) new TpDecoder().push(bomb);
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 2 ** 20);
    }
  });

  test("a quarter of a million values of kwargs in one megabyte are refused unparsed", () => {
    // Lists in a list, structs in it, and entries: kwargs.a with all of them, or kwargs of them.
    const repeat = (length: number, pattern: string) => {
      const bytes = hex(pattern);
      return Uint8Array.from({ length: length - (length % bytes.length) }, (_, i) => bytes[i % bytes.length]!);
    };
    const chunk = (tag: string, bytes: Uint8Array) => {
      const { length } = bytes;
      const varint = [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
      return concat(hex(tag), Uint8Array.from(varint), bytes);
    };
    const listed = (values: Uint8Array) =>
      chunk("1a", chunk("0a", concat(hex("0a0161"), chunk("12", chunk("32", values)))));
    for (const kwargs of [
      listed(repeat(2 ** 20 - 32, "0a02 2a00")),
      listed(repeat(2 ** 20 - 32, "0a00")),
      chunk("1a", repeat(2 ** 20 - 32, "0a06 0a00 1202 2a00")),
    ]) {
      const bomb = raw([concat(hex("0801"), kwargs)]);
      expect(outcome(bomb)).toEqual([0, "oversize.declared", bomb.length]);
      expect(new TpDecoder().push(bomb).error?.message).toContain(
        "kwargs: expected at most 65536 values, 65537 or more",
      );
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < 5; i++) new TpDecoder().push(bomb);
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 2 ** 20);
    }
  });

  test("as many values as the limit pass, one more is oversize.declared, on the way out too", () => {
    const kwargs = { a: [1, { b: null }], c: {}, d: [] };
    const stream = concat(infer({ manifest: { kwargs } }).buffers);
    const code = (maxKwargsValues: number) => decodeInChunks(new TpDecoder({ maxKwargsValues }), stream).error?.code;
    expect([code(6), code(5)]).toEqual([undefined, "oversize.declared"]);
    const send = (maxKwargsValues: number) => () =>
      prepareTp({ header: header(), manifest: { kwargs } }, { maxKwargsValues });
    expect(send(6)).not.toThrow();
    expect(refusalOf(send(5))).toContain("[oversize.declared] kwargs: expected at most 5 values");
    // Each message has the whole limit.
    const twice = decodeInChunks(new TpDecoder({ maxKwargsValues: 6 }), concat(stream, stream));
    expect(twice.messages).toHaveLength(2);
  });

  test("tp.spec.rank: 8 dimensions pass, packed and not, 9 do not", () => {
    const spec = (shape: string) =>
      hex(`0801 12${(shape.length / 2 + 12).toString(16)} ${SPEC_X.replace("220101", "")} ${shape}`);
    const code = (shape: string) => outcome(raw([spec(shape), new Uint8Array(4)]))[1];
    expect([code(`2208${"01".repeat(8)}`), code("2001".repeat(8))]).toEqual([undefined, undefined]);
    expect([code(`2209${"01".repeat(9)}`), code("2001".repeat(9))]).toEqual(["spec.mismatch", "spec.mismatch"]);
  });

  test("tp.infer.offsets: the frame's own errors count the whole stream, in number and text", () => {
    const { error } = new TpDecoder().push(concat(noop.buffers, encodeHeader(header()), hex("ffffffffffffffff")));
    expect(error?.message).toEndWith("at byte 88 of the stream");
  });

  test.each<[string, string, Uint8Array[]]>([
    ["tp.manifest.version: absent", "version", [hex("")]],
    ["tp.manifest.version: 2, before a spec is looked at", "version", [hex("0802 1200")]],
    ["tp.manifest.version-first: 2, however the rest is built", "version", [hex("0802 1a02ffff")]],
    ["tp.manifest.message: a cut field", "header.length", [hex("0801 12ff")]],
    ["tp.manifest.message: wire type 7", "header.length", [hex("0801 0f")]],
    ["tp.manifest.message: a key that is not UTF-8", "header.length", [hex("0801 12050a01ff 2200")]],
    ["tp.manifest.wire-type: a version that is a string", "header.length", [hex("0a02 7801")]],
    ["tp.manifest.wire-type: a key that is a number", "header.length", [hex("0801 1204 0801 2200")]],
    ["tp.manifest.wire-type: a Struct's key that is a number", "header.length", [hex("0801 1a06 0a04 0801 1200")]],
    ["tp.manifest.message: a spec that ends inside a field", "header.length", [hex("0801 1203 0a05 61 62636465")]],
    [
      "tp.manifest.message: a varint cut by the end of its spec, where what follows could be its rest",
      "header.length",
      [hex("0801 1205 20ffffffff 7a08 01 088100 0801 0801")],
    ],
    ["tp.manifest.message: a tag beyond 32 bits", "header.length", [hex("0801 888080808001 01")]],
    [
      "tp.manifest.message: groups without end",
      "header.length",
      [concat(hex("0801"), new Uint8Array(2 ** 19).fill(0x73))],
    ],
    ["tp.manifest.message: a group that another field's tag closes", "header.length", [hex("0801 a306 ac06")]],
    ["tp.manifest.twice: kwargs", "header.length", [hex("0801 1a00 1a00")]],
    ["tp.kwargs.value: two kinds", "header.length", [hex("0801 1a0b 0a09 0a0161 1204 0800 2001")]],
    ["tp.manifest.message: a varint of eleven bytes", "header.length", [hex("0881808080808080808080 00")]],
    ["tp.manifest.message: a varint that crosses the end of its spec", "header.length", [hex("0801 1202 2081 01")]],
    ["tp.manifest.message: field number 0", "header.length", [hex("0801 0001")]],
    ["tp.kwargs.value: a value without a kind", "header.length", [hex("0801 1a070a050a01611200")]],
    ["tp.kwargs.value: NaN", "header.length", [hex("0801 1a100a0e0a01611209 11000000000000f87f")]],
    ["tp.plan.values", "header.field", [hex("0801 2202 7631")]],
    ["tp.plan.video: without its plan", "header.field", [hex("0801 2a00")]],
    ["tp.spec.dtype-known", "spec.mismatch", [hex("0801 1205 0a0178 2200")]],
    ["tp.spec.key", "spec.mismatch", [hex("0801 120c 1a07666c6f61743332 220101")]],
    [
      "tp.spec.unique",
      "spec.mismatch",
      [hex(`0801 120f ${SPEC_X} 120f ${SPEC_X}`), new Uint8Array(4), new Uint8Array(4)],
    ],
    [
      "tp.spec.product: 2^62 float32 do not wrap to 0",
      "spec.mismatch",
      [hex("0801 1217 0a0178 1a07666c6f61743332 2209 808080808080808040")],
    ],
    ["tp.spec.parts: missing", "spec.mismatch", [MANIFEST_X]],
    ["tp.spec.parts: surplus", "spec.mismatch", [MANIFEST_X, new Uint8Array(4), new Uint8Array(0)]],
    ["tp.spec.part-length", "spec.mismatch", [MANIFEST_X, new Uint8Array(5)]],
    ["tp.manifest.limit", "oversize.declared", [new Uint8Array(2 ** 20 + 1)]],
  ])("%s is %s at the end of the frame, tp.error.atomic", (_, code, records) => {
    const stream = concat(noop.buffers, raw(records));
    expect(outcome(stream)).toEqual([1, code, stream.length]);
    // Judged when the frame is whole, not before, and not by what follows.
    expect(outcome(stream.slice(0, -1))).toEqual([1, "eof.in-body", stream.length - 1]);
    expect(outcome(concat(stream, noop.buffers))).toEqual([1, code, stream.length]);
  });

  test("tp.infer.multipart: no body record, a cut record, a record beyond the frame, at the end of the frame", () => {
    for (const [payload, code] of [
      ["", "eof.in-prefix"],
      ["00000000000000", "eof.in-prefix"],
      ["0000000000000003 0801", "eof.in-body"],
      ["0000000000000002 0801 8000000000000000", "eof.in-body"],
    ] as const) {
      const stream = concat(encodeHeader(header()), new FrameEncoder("len64").encode(hex(payload)));
      expect(outcome(stream)).toEqual([0, code, stream.length]);
    }
  });

  test("tp.manifest.several-faults: no multipart message before all, a manifest over its limit next, then the version", () => {
    const code = (records: string, limits = {}) => {
      const stream = concat(encodeHeader(header()), new FrameEncoder("len64").encode(hex(records)));
      return decodeInChunks(new TpDecoder(limits), stream).error?.code;
    };
    // Version 2, one spec with a dtype that is none, and no part; then a record that is cut.
    const manifest = "0000000000000006 0802 12020a00";
    const short = { maxManifestLength: 5 };
    expect(code(`${manifest} 0000000000000001`, short)).toBe("eof.in-body");
    expect(code(manifest, short)).toBe("oversize.declared");
    expect(code(manifest)).toBe("version");
  });

  test("limits are inclusive: parts and manifest at the limit pass, one more is oversize.declared", () => {
    const stream = raw([MANIFEST_X, hex("0000803f")]);
    const code = (limits: ConstructorParameters<typeof TpDecoder>[0]) =>
      decodeInChunks(new TpDecoder(limits), stream).error?.code;
    expect(code({ maxParts: 1, maxManifestLength: MANIFEST_X.length })).toBeUndefined();
    expect(code({ maxParts: 0 })).toBe("oversize.declared");
    expect(code({ maxManifestLength: MANIFEST_X.length - 1 })).toBe("oversize.declared");
  });

  test("tp.manifest.unknown-fields: fields of tomorrow pass", () => {
    // Fields 100 (varint), 101 (bytes), 14 (a group), 102 (32 bits) and 103 (64 bits), and 100 inside the spec.
    const unknown = "a00605 aa0603abcdef 7308017478 01 b50601020304 b9060102030405060708";
    const body = hex(`0801 1212 ${SPEC_X} a00601 ${unknown}`);
    expect(outcome(raw([body, new Uint8Array(4)]))).toEqual([1, undefined, undefined]);
  });

  test("tp.manifest.message: varints longer than they need to be are what they say, up to ten bytes", () => {
    for (let zeros = 0; zeros <= 8; zeros++) {
      const version = zeros === 0 ? "01" : `81${"80".repeat(zeros - 1)}00`;
      expect(outcome(raw([hex(`08 ${version}`)]))).toEqual([1, undefined, undefined]);
    }
    // A uint32 keeps the low 32 bits, as protobuf says.
    expect(outcome(raw([hex("08 818080808001")]))).toEqual([1, undefined, undefined]);
  });

  test("tp.encode.canonical: kwargs stand in the order of their keys' bytes, whatever the object's own order", () => {
    const made = (kwargs: object) => concat(infer({ manifest: { kwargs: kwargs as never } }).buffers);
    const keys = ["\u{10000}", "b", "2", "10", "B", "\uffff"];
    const reference = made(Object.fromEntries(keys.map((key) => [key, 1])));
    expect(made(Object.fromEntries(keys.toReversed().map((key) => [key, 1])))).toEqual(reference);
    const text = Buffer.from(reference).toString("utf8");
    const places = ["10", "2", "B", "b", "\uffff", "\u{10000}"].map((key) =>
      text.indexOf(`\n${String.fromCharCode(Buffer.byteLength(key))}${key}`),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  test("a string keeps the byte order mark that it begins with", () => {
    const kwargs = { "\ufeffname": "\ufeffvalue" };
    const [message] = decodeInChunks(new TpDecoder(), concat(infer({ manifest: { kwargs } }).buffers)).messages;
    expect(message).toMatchObject({ manifest: { kwargs } });
  });

  test("tp.kwargs.value: a value that is none is named by its path", () => {
    const { error } = new TpDecoder().push(raw([hex("0801 1a05 0a03 0a0161")]));
    expect(error?.message).toContain("[header.length] kwargs.a: expected a google.protobuf.Value");
  });

  test("kwargs keep keys that JavaScript treats apart", () => {
    const kwargs = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "2": "b", "10": "a"}');
    const [message] = decodeInChunks(new TpDecoder(), concat(infer({ manifest: { kwargs } }).buffers)).messages;
    if (message === undefined || !("manifest" in message)) throw new Error("expected an INFER");
    expect(JSON.parse(JSON.stringify(message.manifest.kwargs))).toEqual(kwargs);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("tp.state.isolated: two connections, interleaved byte by byte, do not meet", () => {
    const streams = [concat(infer().buffers, noop.buffers), concat(shutdown.buffers, infer().buffers)];
    const decoders = streams.map(() => new TpDecoder());
    const counts = [0, 0];
    for (let i = 0; i < Math.max(...streams.map((s) => s.length)); i++) {
      streams.forEach((stream, k) => {
        counts[k]! += decoders[k]!.push(stream.slice(i, i + 1)).messages.length;
      });
    }
    expect([...counts, ...decoders.map((d) => d.end())]).toEqual([2, 2, null, null]);
  });

  test("random bytes never throw and never hang", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const body = concat(hex("0801"), bytes);
        expect(() => outcome(raw([body]))).not.toThrow();
        expect(() => outcome(bytes)).not.toThrow();
      }),
    );
  });
});

describe("tp.spec.before-allocation: nothing is reserved for a tensor before all specs are good", () => {
  const MIB = 2 ** 20;
  const spec = (key: string, shape: string, dtype = "666c6f61743332") => `0a01${key}1a07${dtype}${shape}`;
  const manifest = (...specs: string[]) =>
    hex(`0801${specs.map((each) => `12${(each.length / 2).toString(16).padStart(2, "0")}${each}`).join("")}`);
  const [A, B] = ["61", "62"];
  /** 4 MiB of float32: a shape of [2^20]. */
  const LARGE = "2203808040";
  const UNKNOWN = "666c6f61743331";

  test.each([
    ["a later one has a dtype that is none", manifest(spec(A, LARGE), spec(B, "220101", UNKNOWN))],
    ["a later one stands twice", manifest(spec(A, LARGE), spec(A, LARGE))],
    ["the part that it promises does not come", manifest(spec(A, LARGE))],
  ])("where %s", (_, body) => {
    const stream = raw([body, new Uint8Array(0)]);
    const { reserved, made } = watched(() => outcome(stream));
    expect(made).toEqual([0, "spec.mismatch", stream.length]);
    expect(reserved).toBeLessThan(MIB);
  });

  test("and it is seen where all are", () => {
    const stream = raw([manifest(spec(A, LARGE)), new Uint8Array(4 * MIB)]);
    const { reserved, made } = watched(() => outcome(stream));
    expect(made[0]).toBe(1);
    expect(reserved).toBeGreaterThanOrEqual(4 * MIB);
  });
});

/** The most that was reserved in one piece while `act` ran. */
function watched<Made>(act: () => Made): { readonly reserved: number; readonly made: Made } {
  const real = { ArrayBuffer, Uint8Array };
  let reserved = 0;
  const watch = <Type extends object>(type: Type) =>
    new Proxy(type, {
      construct(target, args, newTarget) {
        if (typeof args[0] === "number") reserved = Math.max(reserved, args[0]);
        return Reflect.construct(target as never, args, newTarget) as object;
      },
    });
  Object.assign(globalThis, { ArrayBuffer: watch(ArrayBuffer), Uint8Array: watch(Uint8Array) });
  try {
    const made = act();
    return { made, reserved };
  } finally {
    Object.assign(globalThis, real);
  }
}

describe("prepareTp refuses", () => {
  test.each<[string, string, Partial<TpMessageInit>]>([
    ["tp.encode.payload-matches-action", "expected the header alone with NOOP", { header: header({ action: "NOOP" }) }],
    [
      "tp.encode.payload-matches-action: tensors alone",
      "expected the header alone with SHUTDOWN",
      { header: header({ action: "SHUTDOWN" }), manifest: undefined as never },
    ],
    ["tp.encode.field-range", "call_id: expected a signed 64-bit", { header: header({ call_id: 2n ** 63n }) }],
    [
      "tp.kwargs.exact: 2^53",
      "kwargs.a.b[1]: expected an integer up to 2^53 - 1",
      { manifest: { kwargs: { a: { b: [0, 2 ** 53] } } } },
    ],
    ["tp.kwargs.exact: NaN", "kwargs.n: expected a finite number, NaN", { manifest: { kwargs: { n: Number.NaN } } }],
    ["tp.kwargs.exact: a bigint", "kwargs.n: expected null, a boolean", { manifest: { kwargs: { n: 1n as never } } }],
    [
      "tp.kwargs.exact: undefined",
      "kwargs.u: expected null, a boolean",
      { manifest: { kwargs: { u: undefined as never } } },
    ],
    ["tp.kwargs.exact: a lone surrogate", "kwargs.s: expected a string of", { manifest: { kwargs: { s: "\ud800" } } }],
    [
      "tp.kwargs.exact: a date",
      "kwargs.d: expected null, a boolean",
      { manifest: { kwargs: { d: new Date(0) as never } } },
    ],
    [
      "tp.spec.dtype-supported",
      '[spec.mismatch] tensor "x": expected a supported dtype',
      { tensors: [{ ...tensors[0]!, dtype: "float64" }] },
    ],
    ["tp.spec.unique", '[spec.mismatch] expected one spec "x", two came', { tensors: [tensors[0]!, tensors[0]!] }],
    ["tp.plan.values", "[header.field] tp_plan: expected", { manifest: { tp_plan: "v2" as never } }],
  ])("%s: %s", (_, message, over) => {
    expect(refusalOf(() => infer(over))).toContain(message);
  });

  test("tp.encode.payload-matches-action: INFER without a manifest", () => {
    expect(refusalOf(() => prepareTp({ header: header() }))).toBe(
      "[header.field] expected a manifest with INFER, none came",
    );
  });

  test("tp.kwargs.no-tensors: bytes, typed arrays and tensor objects, by path", () => {
    const tensorLike = { shape: [1], dtype: "float32", dataId: {} };
    for (const nested of [new Uint8Array(1), new Float32Array(1), new ArrayBuffer(1), tensorLike]) {
      expect(refusalOf(() => infer({ manifest: { kwargs: { a: { b: nested as never } } } }))).toBe(
        "[spec.mismatch] kwargs.a.b: nested tensors are not allowed, tensors are parts",
      );
    }
  });

  test("tp.kwargs.no-tensors, tp.kwargs.exact: kwargs that are no object themselves", () => {
    expect(refusalOf(() => infer({ manifest: { kwargs: new Float32Array(1) as never } }))).toContain(
      "[spec.mismatch] kwargs: nested tensors",
    );
    for (const kwargs of [new Map(), new Date(0), [], "", null]) {
      expect(refusalOf(() => infer({ manifest: { kwargs: kwargs as never } }))).toContain("[header.field] kwargs:");
    }
    expect(infer({ manifest: { kwargs: {} } }).byteLength).toBe(infer({ manifest: {} }).byteLength);
  });

  test("tp.kwargs.depth: the deepest kwargs that are sent arrive, one level more is refused", () => {
    const nest = (levels: number, wrap: (inner: unknown) => unknown) => {
      let value: unknown = 1;
      for (let i = 0; i < levels; i++) value = wrap(value);
      return { deep: value } as never;
    };
    for (const wrap of [(inner: unknown) => ({ inner }), (inner: unknown) => [inner]]) {
      const kwargs = nest(30, wrap);
      const { messages, error } = decodeInChunks(new TpDecoder(), concat(infer({ manifest: { kwargs } }).buffers));
      expect(error).toBeNull();
      expect(messages[0]).toMatchObject({ manifest: { kwargs } });
      expect(refusalOf(() => infer({ manifest: { kwargs: nest(31, wrap) } }))).toContain("expected at most 30 levels");
    }
  });

  test("kwargs that nest without end are refused, not followed", () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(refusalOf(() => infer({ manifest: { kwargs: loop as never } }))).toContain("expected at most 30 levels");
  });
});

test("a decoder of dtypes that are none is not made", () => {
  const dtypes = ["float32"] as never;
  expect(refusalOf(() => new TpDecoder({ dtypes }))).toContain("[state] dtypes: expected a Set");
});

test("a double of -0 arrives as one", () => {
  const kwargs = { zero: -0, list: [-0] };
  const [message] = decodeInChunks(new TpDecoder(), concat(infer({ manifest: { kwargs } }).buffers)).messages;
  expect(message).toMatchObject({ manifest: { kwargs } });
});

test("a push after end() is the caller's fault", () => {
  const decoder = new TpDecoder();
  decoder.end();
  expect(refusalOf(() => decoder.push(new Uint8Array(1)))).toContain("[state] expected no bytes after end()");
});
