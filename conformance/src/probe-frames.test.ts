import { describe, expect, test } from "bun:test";
import { probeOf } from "./probe-frames.ts";

const PROFILES = [
  ...["len32", "len64", "len56-tagged", "grpc-lpm", "multipart", "multipart-typed"],
  ...["tp", "tp-session", "pp-envelope", "pp-session", "pp-result"],
];
const probe = (profile: string, seed = "seed", longest = 1024) => {
  const found = probeOf(profile, seed, longest);
  if (found === undefined) throw new Error(`no probe for ${profile}`);
  return found;
};

describe("the probes of the link check", () => {
  test.each(PROFILES)("%s: the same seed gives the same frame, another seed another", (profile) => {
    expect(probe(profile)).toEqual(probe(profile));
    expect(probe(profile).frame).not.toEqual(probe(profile, "other").frame);
  });

  test("a length counts the payload, and the wrong bytes are the prefix under a limit of one byte less", () => {
    const { frame, wrong, wrongLimits, value } = probe("len32");
    expect(new DataView(frame.buffer).getUint32(0)).toBe(frame.length - 4);
    expect(value).toEqual({ payload: Buffer.from(frame.subarray(4)).toString("hex") });
    expect(wrong).toEqual(frame.subarray(0, 4));
    expect(wrongLimits).toEqual({ max_frame_length: String(frame.length - 5) });
  });

  test("a typed part has bit 63 and its hash", () => {
    const { frame, value } = probe("multipart-typed");
    const parts = (value as { parts: { typehash: string }[] }).parts;
    const view = new DataView(frame.buffer);
    const part = frame.length - 5 - 16;
    expect(view.getBigUint64(part)).toBe((1n << 63n) | 5n);
    expect(view.getBigUint64(part + 8).toString()).toBe(parts[0]?.typehash as string);
  });

  test("a tp header is little-endian", () => {
    const { frame, value } = probe("tp");
    const { header } = value as { header: Record<string, string> };
    const view = new DataView(frame.buffer);
    expect(frame).toHaveLength(40);
    const words = [0, 8, 16, 24].map((at) => view.getBigInt64(at, true).toString());
    expect(words).toEqual(
      ["call_id", "chunk_index", "control_epoch", "cache_epoch"].map((name) => header[name] as string),
    );
    expect(view.getBigInt64(32, true)).toBe(0n);
  });

  test("a result is a frame whose call_id takes eight bytes", () => {
    const { frame, value } = probe("pp-result");
    const { call_id, error_message } = value as { call_id: string; error_message: string };
    expect(new DataView(frame.buffer).getBigUint64(0)).toBe(BigInt(frame.length - 8));
    const bytes = frame.subarray(19, 27);
    expect(bytes.reduce((sum, byte, i) => sum | (BigInt(byte & 0x7f) << BigInt(7 * i)), 0n).toString()).toBe(call_id);
    expect(Buffer.from(frame).toString("latin1").endsWith(error_message)).toBe(true);
  });

  test("there is none above the declared limit, and none for a profile without a layout here", () => {
    expect(probe("len32", "seed", 1).frame).toHaveLength(5);
    expect(probeOf("len32", "seed", 0)).toBeUndefined();
    expect(probeOf("multipart", "seed", 63)).toBeUndefined();
    expect(probeOf("rapace", "seed", 1024)).toBeUndefined();
  });
});
