import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { WireError } from "./errors.ts";
import { decodeMultipart, encodeMultipart, type MultipartOptions, MultipartRecords } from "./multipart.ts";
import { concat, hex, text } from "./testing.ts";

const HELLO =
  "0000000000000005 68656c6c6f 0000000000000005 776f726c64 0000000000000001 31 0000000000000000 0000000000000003 78797a 0000000000000004 78797a64";
const TYPED = "0000000000000001 62 8000000000000002 36c76e3b36067378 7879";

function errorOf(stream: string, options?: MultipartOptions & { offset?: number }): string {
  try {
    decodeMultipart(hex(stream), options);
  } catch (error) {
    if (error instanceof WireError) return `${error.code}@${error.offset}`;
  }
  return "none";
}

describe("multipart", () => {
  test("record.order: body and parts come out in order, empty ones kept, as views", () => {
    const payload = hex(HELLO);
    const { body, parts } = decodeMultipart(payload);
    expect([body, ...parts].map((p) => text(p.bytes))).toEqual(["hello", "world", "1", "", "xyz", "xyzd"]);
    expect(body.bytes.buffer).toBe(payload.buffer);
  });

  test("a payload cut anywhere is refused with the class of the place, or is a shorter message", () => {
    const whole = hex(HELLO);
    const boundaries = [13, 26, 35, 43, 54, 66];
    for (let k = 0; k <= whole.length; k++) {
      const cut = whole.slice(0, k);
      const into = k - Math.max(0, ...boundaries.filter((b) => b <= k));
      const expected = k > 0 && into === 0 ? "none" : `${into < 8 ? "eof.in-prefix" : "eof.in-body"}@${k}`;
      expect(errorOf(Buffer.from(cut).toString("hex"))).toBe(expected);
    }
  });

  test("length.exact: wide lengths do not wrap into small ones", () => {
    for (const length of ["8000000000000000", "0000000100000001", "0020000000000001", "ffffffffffffffff"]) {
      expect(errorOf(`${length} 00`, { offset: 77 })).toBe("eof.in-body@77");
    }
  });

  test("limit.parts: as many as the limit pass, one more is refused", () => {
    const record = "0000000000000000";
    expect(errorOf(record.repeat(4), { maxParts: 3 })).toBe("none");
    expect(errorOf(record.repeat(5), { maxParts: 3 })).toBe("oversize.declared@40");
    expect(errorOf(record.repeat(1 + 1024))).toBe("none");
    expect(errorOf(record.repeat(1 + 1025))).toBe("oversize.declared@8208");
  });
});

describe("multipart-typed", () => {
  const typed = { typed: true };

  test("record.mixed: typed and untyped records keep what they are, hashes in all 64 bits", () => {
    const { body, parts } = decodeMultipart(hex(TYPED), typed);
    expect(body.typehash).toBeUndefined();
    expect(parts[0]?.typehash).toBe(3947244799002047352n);
    expect(text(parts[0]!.bytes)).toBe("xy");
  });

  test("hash.cut and record.cut are told apart", () => {
    expect(errorOf("8000000000000001", typed)).toBe("eof.in-header@8");
    expect(errorOf("8000000000000000 11223344556677", typed)).toBe("eof.in-header@15");
    expect(errorOf("8000000000000004 1122334455667788 aabb", typed)).toBe("eof.in-body@18");
    expect(errorOf("ffffffffffffffff 1122334455667788 aabb", typed)).toBe("eof.in-body@18");
  });

  test("flag.untyped-profile: bit 63 is a bit of the length there", () => {
    expect(errorOf("8000000000000002 36c76e3b36067378 7879")).toBe("eof.in-body@18");
  });
});

describe("encode", () => {
  test("gives back the bytes of every message that it can carry", () => {
    const part = fc.record(
      { bytes: fc.uint8Array({ maxLength: 40 }), typehash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
      { requiredKeys: ["bytes"] },
    );
    fc.assert(
      fc.property(part, fc.array(part, { maxLength: 6 }), (body, parts) => {
        const payload = concat(encodeMultipart({ body, parts }, { typed: true }));
        expect(decodeMultipart(payload, { typed: true })).toEqual({ body, parts });
      }),
    );
    const golden = hex(TYPED);
    expect(concat(encodeMultipart(decodeMultipart(golden, { typed: true }), { typed: true }))).toEqual(golden);
  });

  test("refuses what the profile cannot carry, as the caller's fault", () => {
    const bytes = new Uint8Array(1);
    const plain = { bytes };
    for (const [act, code] of [
      [() => encodeMultipart({ body: plain, parts: [{ bytes, typehash: 1n }] }), "header.field"],
      [() => encodeMultipart({ body: { bytes, typehash: 2n ** 64n }, parts: [] }, { typed: true }), "header.field"],
      [() => encodeMultipart({ body: plain, parts: [plain, plain] }, { maxParts: 1 }), "oversize.declared"],
    ] as const) {
      expect(act).toThrow(WireError);
      expect(act).toThrow(`[${code}]`);
    }
  });
});

describe("MultipartRecords, used for one payload after the other", () => {
  const payload = (...records: string[]) => concat(records.map(hex));
  const spans = ({ count, offsets }: MultipartRecords) =>
    Array.from({ length: count }, (_, i) => [offsets[2 * i], offsets[2 * i + 1]]);

  test("keeps nothing of the payload before", () => {
    const records = new MultipartRecords({ typed: true });
    const typed = hex(TYPED);
    records.read(typed, 0, typed.length, 0);
    expect(records.hashes).toEqual([undefined, 0x36c76e3b36067378n]);
    const plain = payload("0000000000000001 61", "0000000000000000");
    records.read(plain, 0, plain.length, 0);
    expect([records.hashes, spans(records)]).toEqual([
      [],
      [
        [8, 9],
        [17, 17],
      ],
    ]);
    expect(() => records.read(new Uint8Array(0), 0, 0, 0)).toThrow("[eof.in-prefix]");
    expect(records.count).toBe(0);
  });

  test("grows past its first rows and keeps what it has", () => {
    const records = new MultipartRecords();
    const many = concat(Array.from({ length: 100 }, (_, i) => hex(`0000000000000001 ${(i + 100).toString(16)}`)));
    records.read(many, 0, many.length, 0);
    expect(spans(records)).toEqual(Array.from({ length: 100 }, (_, i) => [9 * i + 8, 9 * i + 9]));
  });

  test("an error says which record, what it needed and what was left", () => {
    for (const [stream, expected] of [
      ["0000", "expected 8 bytes of length in the body record, 2 bytes were left"],
      ["0000000000000000 000000", "expected 8 bytes of length in part 0, 3 bytes were left"],
      ["0000000000000000 0000000000000000 0000000000000002 61", "expected 2 bytes in part 1, 1 bytes were left"],
    ] as const) {
      expect(() => decodeMultipart(hex(stream))).toThrow(expected);
    }
    const cut = hex("0000000000000000 8000000000000001 0102");
    expect(() => decodeMultipart(cut, { typed: true })).toThrow(
      "expected 8 bytes of type hash in part 0, 2 bytes were left",
    );
    const three = hex("0000000000000000 0000000000000000 0000000000000000");
    expect(decodeMultipart(three, { maxParts: 2 }).parts).toHaveLength(2);
    expect(() => decodeMultipart(three, { maxParts: 1 })).toThrow(
      "expected at most 1 parts in part 1, 8 bytes were left",
    );
  });
});

test("the edges of what an encoder takes: as many parts as the limit, every hash of 64 bits", () => {
  const bytes = new Uint8Array(0);
  expect(encodeMultipart({ body: { bytes }, parts: [{ bytes }] }, { maxParts: 1 })).toHaveLength(4);
  for (const typehash of [0n, 2n ** 64n - 1n]) {
    const [header] = encodeMultipart({ body: { bytes, typehash }, parts: [] }, { typed: true });
    expect(Buffer.from(header!).readBigUInt64BE(8)).toBe(typehash);
  }
  for (const [typehash, parts, where] of [
    [-1n, [], "the body"],
    [2n ** 64n, [], "the body"],
    [undefined, [{ bytes }, { bytes, typehash: -1n }], "part 1"],
  ] as const) {
    const body = typehash === undefined ? { bytes } : { bytes, typehash };
    expect(() => encodeMultipart({ body, parts }, { typed: true })).toThrow(
      `[header.field] expected a type hash of 64 unsigned bits in ${where}, ${typehash ?? -1n} came`,
    );
  }
});

test("a limit of parts is a count, in decoders and encoders", () => {
  const one = hex("0000000000000000");
  const message = { body: { bytes: one }, parts: [] };
  for (const maxParts of [0, 2 ** 53 - 1]) {
    expect(decodeMultipart(one, { maxParts }).parts).toEqual([]);
    expect(encodeMultipart(message, { maxParts })).toHaveLength(2);
  }
  for (const wrong of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, null, "5x"]) {
    const maxParts = wrong as number;
    for (const act of [() => new MultipartRecords({ maxParts }), () => encodeMultipart(message, { maxParts })]) {
      expect(act).toThrow(`[state] maxParts: expected an integer from 0 to 2^53 - 1, ${wrong} came`);
    }
  }
});

test("a payload that the buffer does not hold, or that the table cannot say, is refused and leaves no records", () => {
  const records = new MultipartRecords();
  const two = hex("0000000000000000 0000000000000000");
  for (const [start, end] of [
    [-1, 16],
    [8, 0],
    [0, 17],
    [0, 15.5],
    [0, 2 ** 31 - 1],
    [Number.NaN, 16],
  ] as const) {
    records.read(two, 0, 16, 16);
    const message = `[state] expected a range within the 16 bytes of the buffer, [${start}, ${end}) came`;
    expect(() => records.read(two, start, end, 16)).toThrow(message);
    expect(records.count).toBe(0);
  }
  expect(() => records.read(two, 0, 2 ** 31, 16)).toThrow(
    "[state] expected a buffer below 2 GiB, 2147483648 bytes came",
  );
  records.read(two, 8, 16, 16);
  expect(records.count).toBe(1);
});

test("r[multipart.limit.parts]: the last part that is allowed may have a hash", () => {
  const two = hex("0000000000000000 8000000000000000 0000000000000001 8000000000000000 0000000000000002");
  expect(decodeMultipart(two, { typed: true, maxParts: 2 }).parts).toHaveLength(2);
  expect(() => decodeMultipart(two, { typed: true, maxParts: 1 })).toThrow("[oversize.declared]");
});
