import { describe, expect, test } from "bun:test";
import { WireError } from "./errors.ts";
import { FrameEncoder } from "./frame-encoder.ts";
import type { FramingProfile } from "./prefix.ts";
import { concat, hex } from "./testing.ts";

function refusalOf(act: () => unknown): Pick<WireError, "code" | "fatal" | "fault" | "offset"> {
  try {
    act();
  } catch (error) {
    if (error instanceof WireError)
      return { code: error.code, fatal: error.fatal, fault: error.fault, offset: error.offset };
  }
  throw new Error("nothing was refused");
}

const caller = { fatal: false, fault: "caller", offset: 0 } as const;

describe("encode.layout", () => {
  const cases: [FramingProfile, number, string][] = [
    ["len32", 0, "00000005 68656c6c6f"],
    ["len64", 0, "0000000000000005 68656c6c6f"],
    ["len56-tagged", 1, "0100000000000005 68656c6c6f"],
    ["grpc-lpm", 0, "0000000005 68656c6c6f"],
  ];
  for (const [profile, lead, expected] of cases) {
    test(profile, () => {
      const payload = new TextEncoder().encode("hello");
      const [prefix, body, ...rest] = new FrameEncoder(profile).encode(payload, lead);
      expect(concat([prefix!, body!])).toEqual(hex(expected));
      expect(body).toBe(payload);
      expect(rest).toEqual([]);
    });
  }

  test("the parts of a payload are passed on by reference under one prefix", () => {
    const parts = [new Uint8Array(2), new Uint8Array(0), new Uint8Array(3)];
    const [prefix, ...rest] = new FrameEncoder("len32").encode(parts);
    expect(prefix).toEqual(hex("00000005"));
    expect(rest.every((buffer, i) => buffer === parts[i])).toBe(true);
  });

  test("every byte of a wide length is written", () => {
    const target = new Uint8Array(8);
    const max = { maxFrameLength: Number.MAX_SAFE_INTEGER };
    expect(new FrameEncoder("len64", max).writePrefix(target, 0, 0x1a2b3c4d5e6f7a)).toBe(8);
    expect(target).toEqual(hex("001a2b3c4d5e6f7a"));
    new FrameEncoder("len56-tagged", max).writePrefix(target, 0, 0x1a2b3c4d5e6f7a, 0xfe);
    expect(target).toEqual(hex("fe1a2b3c4d5e6f7a"));
    new FrameEncoder("len32", max).writePrefix(target, 1, 0xfedcba98);
    expect(target).toEqual(hex("fefedcba985e6f7a"));
  });
});

describe("encode.refusal", () => {
  test("a payload over the limit is refused, and the next one is encoded", () => {
    for (const profile of ["len32", "len64", "len56-tagged", "grpc-lpm"] as const) {
      const encoder = new FrameEncoder(profile, { maxFrameLength: 4 });
      expect(refusalOf(() => encoder.encode(new Uint8Array(5)))).toEqual({ code: "oversize.declared", ...caller });
      expect(encoder.encode(new Uint8Array(4))).toHaveLength(2);
    }
  });

  test("a length that 32 bits cannot say is refused whatever the limit is", () => {
    for (const profile of ["len32", "grpc-lpm"] as const) {
      const encoder = new FrameEncoder(profile, { maxFrameLength: Number.MAX_SAFE_INTEGER });
      expect(refusalOf(() => encoder.check(2 ** 32))).toEqual({ code: "oversize.declared", ...caller });
    }
  });

  test("what is no length, and a target without room, are the caller's mistakes, and nothing is written", () => {
    const encoder = new FrameEncoder("len64");
    for (const length of [-1, 0.5, Number.NaN]) {
      expect(() => encoder.check(length)).toThrow(`[state] expected a length of 0 bytes or more, ${length} came`);
    }
    const target = new Uint8Array(9).fill(9);
    for (const from of [-1, 2, 0.5, Number.NaN]) {
      expect(() => encoder.writePrefix(target, from, 5)).toThrow("[state] expected a range within the 9 bytes");
    }
    expect(target).toEqual(new Uint8Array(9).fill(9));
    expect([0, 1].map((from) => encoder.writePrefix(target, from, 5))).toEqual([8, 9]);
  });

  test("a payload that no decoder of ours holds can be sent: it never lies in one buffer here", () => {
    const prefix = new Uint8Array(8);
    new FrameEncoder("len64", { maxFrameLength: 2 ** 32 }).writePrefix(prefix, 0, 2 ** 31 + 100);
    expect(prefix).toEqual(hex("0000000080000064"));
  });

  test("tags and flags that the profile cannot carry are refused, and the target is left alone", () => {
    const target = new Uint8Array(8).fill(9);
    const encode = (profile: FramingProfile, lead: number) => () =>
      new FrameEncoder(profile).writePrefix(target, 0, 1, lead);
    for (const tag of [-1, 256, 1.5, Number.NaN]) {
      expect(refusalOf(encode("len56-tagged", tag))).toEqual({ code: "header.field", ...caller });
    }
    expect(refusalOf(encode("grpc-lpm", 1))).toEqual({ code: "codec.unsupported", ...caller });
    expect(refusalOf(encode("grpc-lpm", 2))).toEqual({ code: "flags.reserved", ...caller });
    expect(refusalOf(encode("len64", 1))).toEqual({ code: "flags.reserved", ...caller });
    expect(target).toEqual(new Uint8Array(8).fill(9));
  });
});

test("every byte of a prefix is written, whatever stood there", () => {
  for (const [profile, expected] of [
    ["len32", "00000005"],
    ["len64", "0000000000000005"],
    ["len56-tagged", "0000000000000005"],
    ["grpc-lpm", "0000000005"],
  ] as const) {
    const target = new Uint8Array(10).fill(0xff);
    const end = new FrameEncoder(profile).writePrefix(target, 1, 5);
    expect(Buffer.from(target).toString("hex")).toBe(`ff${expected}`.padEnd(20, "f"));
    expect(end).toBe(1 + expected.length / 2);
  }
});

test("r[grpc.encode.flag]: a flag that is no byte is reserved all the same", () => {
  for (const flag of [-1, 256, 0.5]) {
    expect(() => new FrameEncoder("grpc-lpm").encode(new Uint8Array(0), flag)).toThrow("[flags.reserved]");
  }
});

test("r[len56.encode.tag-range]: 0 and 255 are tags, what is beside them is none", () => {
  const encoder = new FrameEncoder("len56-tagged");
  expect([0, 255].map((tag) => encoder.encode(new Uint8Array(0), tag)[0]![0])).toEqual([0, 255]);
  for (const tag of [-1, 256, 0.5]) {
    expect(() => encoder.encode(new Uint8Array(0), tag)).toThrow(
      `[header.field] expected a tag from 0 to 255, ${tag} came`,
    );
  }
});
