import type { Answer, CaseRequest, Event, Hello } from "../src/protocol.ts";

/**
 * What the liars lie about: an IUT of `len32`, role decode, that is right. It is written for reading, and once more by hand, so
 * that a liar differs from it in one point.
 */
export const honestHello: Hello = {
  op: "hello",
  protocol: 1,
  token: "",
  iut: { name: "liar", version: "1", language: "typescript" },
  profiles: { len32: { roles: ["decode"], max_frame_length: "65536" } },
  capabilities: [],
  error_granularity: "class",
};

/** `of`: another profile that is a length and a payload, by the width of its length. */
export function honest({ op, seq, profile, role, limits, steps }: CaseRequest, of = "len32", width = 4): Answer {
  if (op !== "case") return { op: "declined", seq, reason: "operation" };
  if (profile !== of) return { op: "declined", seq, reason: "profile" };
  if (role !== "decode") return { op: "declined", seq, reason: "role" };
  const limit = Number(limits.max_frame_length ?? 65536);
  let bytes = Buffer.alloc(0);
  let frame = 0;
  let dead = false;
  const lists = steps.map((step): Event[] => {
    const events: Event[] = [];
    const fail = (word: string, at: number) => {
      dead = true;
      events.push({ event: "error", class: word, at: String(at), fatal: true });
    };
    if ("reset" in step) {
      bytes = Buffer.alloc(0);
      frame = 0;
      dead = false;
    } else if ("feed" in step) {
      bytes = Buffer.concat([bytes, Buffer.from(step.feed, "hex")]);
    } else if ("feed_fill" in step) {
      bytes = Buffer.concat([bytes, Buffer.alloc(step.feed_fill.count, step.feed_fill.byte)]);
    }
    while (!dead && bytes.length >= frame + width) {
      const length = Number(`0x${bytes.subarray(frame, frame + width).toString("hex")}`);
      if (length > limit) fail("oversize.declared", frame + width);
      const body = frame + width;
      if (dead || bytes.length < body + length) break;
      const payload = bytes.subarray(body, body + length);
      events.push({ event: "message", value: { payload: shown(payload) } });
      frame = body + length;
    }
    if ("eof" in step && !dead) {
      const left = bytes.length - frame;
      if (left === 0) events.push({ event: "end" });
      else fail(left < width ? "eof.in-prefix" : "eof.in-body", bytes.length);
    }
    return events;
  });
  return { op: "result", seq, steps: lists };
}

export const shown = (bytes: Uint8Array) =>
  bytes.length <= 4096
    ? bytes.toHex()
    : { length: bytes.length, sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex") };
