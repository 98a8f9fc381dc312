import { describe, expect, test } from "bun:test";
import { FrameEncoder, WireError } from "@tensorwire/framing";
import { peerFault } from "@tensorwire/tensor-spec";
import fc from "fast-check";
import { complementsOf, type Hello, HelloDecoder, judgeHello, prepareHello, type Role } from "./hello.ts";
import { concat, decodeEveryWay, decodeInChunks, hex, refusalOf } from "./testing.ts";

const instance = hex("000102030405060708090a0b0c0d0e0f");
const driver: Hello = {
  job: "demo",
  role: "PP_DRIVER",
  rank: 0,
  peer_rank: 0,
  plan: "stages=2",
  weights_digest: new Uint8Array(0),
  instance,
  lane: 1,
};
const of = (over: Partial<Hello> = {}): Hello => ({ ...driver, ...over });

/** The drawing of spec/handshake.md. */
const GOLDEN = hex(`
  0000000000000028
  0801 120464656d6f 1803 32087374616765733d32
  4210 000102030405060708090a0b0c0d0e0f 4801`);

const frame = (payload: Uint8Array) => concat(new FrameEncoder("len64").encode(payload));
const raw = (payload: string) => decodeInChunks(new HelloDecoder(), frame(hex(payload)));
const JOB = "120464656d6f";
const INSTANCE = "4210000102030405060708090a0b0c0d0e0f";

describe("link.hello.layout", () => {
  test("link.hello.encode: golden Hello, the bytes, both ways", () => {
    expect(prepareHello(driver)).toEqual(GOLDEN);
    expect(decodeInChunks(new HelloDecoder(), GOLDEN)).toEqual({ messages: [driver], error: null });
  });

  test("whatever can be said arrives, however it is cut", () => {
    const text = (maxLength: number) => fc.string({ unit: "binary", maxLength });
    const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const any = fc.record({
      job: fc.string({ unit: "binary", minLength: 1, maxLength: 32 }),
      role: fc.constantFrom<Role>("TP_LEADER", "TP_WORKER", "PP_DRIVER", "PP_STAGE"),
      rank: u32,
      peer_rank: u32,
      plan: text(300),
      weights_digest: fc.oneof(bytes(0), bytes(32)),
      instance: bytes(16),
      lane: u32,
    });
    fc.assert(
      fc.property(any, fc.array(fc.nat(60), { maxLength: 4 }), (hello, cuts) => {
        const stream = prepareHello(hello);
        expect(
          decodeInChunks(
            new HelloDecoder(),
            stream,
            cuts.sort((a, b) => a - b),
          ).messages,
        ).toEqual([hello]);
      }),
    );
  });

  test("link.hello.job: a name of one byte and one of 128 are names", () => {
    for (const job of ["j", "ü".repeat(64)]) {
      expect(decodeInChunks(new HelloDecoder(), prepareHello(of({ job }))).messages).toEqual([of({ job })]);
    }
  });

  test("link.hello.encode: what a receiver would refuse is refused by its field, and nothing is made", () => {
    const refused: [Partial<Hello>, string][] = [
      [{ job: "" }, "[header.field] Hello.job: expected 1 to 128 bytes, 0 came"],
      [{ job: "ü".repeat(65) }, "[header.field] Hello.job: expected 1 to 128 bytes, 130 came"],
      [{ job: "\ud800" }, "[header.field] Hello.job: expected a string of well-formed Unicode"],
      [{ role: "ROLE_UNSPECIFIED" as Role }, "[header.field] Hello.role: expected TP_LEADER or"],
      [{ role: "toString" as Role }, "[header.field] Hello.role: expected ROLE_UNSPECIFIED or TP_LEADER or"],
      [{ rank: -1 }, "[header.field] Hello.rank: expected an integer of type uint32, -1 came"],
      [{ peer_rank: 2 ** 32 }, "[header.field] Hello.peer_rank: expected an integer of type uint32"],
      [{ lane: 0.5 }, "[header.field] Hello.lane: expected an integer of type uint32, 0.5 came"],
      [
        { weights_digest: new Uint8Array(31) },
        "[header.field] Hello.weights_digest: expected 32 bytes or none, 31 came",
      ],
      [{ instance: new Uint8Array(17) }, "[header.field] Hello.instance: expected 16 bytes, 17 came"],
      [{ instance: "00" as unknown as Uint8Array }, '[header.field] Hello.instance: expected bytes, "00" came'],
    ];
    for (const [over, message] of refused) expect(refusalOf(() => prepareHello(of(over)))).toStartWith(message);
    expect(refusalOf(() => prepareHello(of({ plan: "x".repeat(4096) })))).toStartWith("[oversize.declared]");
    expect(prepareHello(of({ job: "ü".repeat(64) })).length).toBe(GOLDEN.length + 125);
  });
});

describe("a Hello that comes, and link.hello.offsets: its faults are placed by the bytes of the connection", () => {
  test.each([
    ["link.hello.version: none", `${JOB}1803${INSTANCE}`, "version"],
    ["link.hello.version: an empty payload", "", "version"],
    ["link.hello.version: 2", `0802${JOB}1803${INSTANCE}`, "version"],
    ["link.hello.version-first: version 2 whose job has another type", `0802 1007 1803${INSTANCE}`, "version"],
    ["link.hello.message: a field is cut", "0801 12ff", "header.length"],
    ["link.hello.message: the job is no UTF-8", `0801 1202c328 1803${INSTANCE}`, "header.length"],
    ["link.hello.message: the job is a number", `0801 1007 1803${INSTANCE}`, "header.length"],
    ["link.hello.message: the instance is a number", `0801 ${JOB}1803 4007`, "header.length"],
    ["link.hello.job: none", `0801 1803${INSTANCE}`, "header.field"],
    ["link.hello.job: 129 bytes", `0801 128101${"61".repeat(129)} 1803${INSTANCE}`, "header.field"],
    ["link.hello.role: none", `0801 ${JOB}${INSTANCE}`, "header.field"],
    ["link.hello.role: 5", `0801 ${JOB}1805${INSTANCE}`, "header.field"],
    ["link.hello.weights: 31 bytes", `0801 ${JOB}1803 3a1f${"00".repeat(31)} ${INSTANCE}`, "header.field"],
    ["link.hello.instance: none", `0801 ${JOB}1803`, "header.field"],
    ["link.hello.instance: 15 bytes", `0801 ${JOB}1803 420f${"00".repeat(15)}`, "header.field"],
  ])("%s", (_, payload, code) => {
    const at = 8 + hex(payload).length;
    expect(raw(payload)).toEqual({ messages: [], error: { code, offset: at } });
  });

  test("link.hello.unknown-fields: one more is ignored", () => {
    expect(raw(`0801 ${JOB}1803 32087374616765733d32 ${INSTANCE}4801 7a0161`)).toEqual({
      messages: [driver],
      error: null,
    });
  });

  test("link.hello.limit: 4,096 bytes are read, one more is refused with the prefix alone", () => {
    const whole = concat(GOLDEN.subarray(8), hex("7a d51f"), new Uint8Array(4053));
    expect(whole.length).toBe(4096);
    expect(decodeInChunks(new HelloDecoder(), frame(whole)).messages).toEqual([driver]);
    const decoder = new HelloDecoder();
    expect(decoder.push(hex("0000000000001001")).error).toMatchObject({ code: "oversize.declared", offset: 8 });
    expect(new HelloDecoder().push(hex("ffffffffffffffff")).error?.code).toBe("oversize.declared");
  });

  test("link.hello.cut: at every byte, and before the first it is no error", () => {
    for (let at = 0; at < GOLDEN.length; at++) {
      const { messages, error } = decodeInChunks(new HelloDecoder(), GOLDEN.subarray(0, at));
      const code = at < 8 ? "eof.in-prefix" : "eof.in-body";
      expect([messages, error]).toEqual([[], at === 0 ? null : { code, offset: at }]);
    }
  });

  test("every cut of it gives the same", () => {
    for (const stream of [GOLDEN, frame(hex("0802"))]) {
      const [whole, ...others] = decodeEveryWay(() => new HelloDecoder(), stream);
      for (const other of others) expect(other).toEqual(whole!);
    }
  });

  test("link.hello.behind: what stands behind it is left untouched, in the same chunk and in the next", () => {
    const behind = hex("0102030405");
    const decoder = new HelloDecoder();
    expect(decoder.push(GOLDEN.subarray(0, 20)).rest).toHaveLength(0);
    const { messages, rest } = decoder.push(concat(GOLDEN.subarray(20), behind));
    expect([messages, rest]).toEqual([[driver], behind]);
    expect(decoder.push(GOLDEN)).toEqual({ messages: [], rest: GOLDEN, error: null });
    expect([decoder.offset, decoder.end()]).toEqual([GOLDEN.length, null]);
  });

  test("an error stays, and a good Hello behind it is not read", () => {
    const decoder = new HelloDecoder();
    const { error } = decoder.push(concat(frame(hex("0802")), GOLDEN));
    expect(error?.code).toBe("version");
    expect(decoder.push(GOLDEN)).toMatchObject({ messages: [], error: error! });
    expect([decoder.error, decoder.end()]).toEqual([error, error]);
  });

  test("garbage ends in an error or in nothing, and never in a throw", () => {
    const near = fc.uint8Array({ maxLength: 120 }).map((bytes) => frame(bytes));
    const bent = fc.tuple(fc.nat(GOLDEN.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
      const copy = GOLDEN.slice();
      copy[at]! ^= by;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), near, bent), (stream) => {
        const decoder = new HelloDecoder();
        const { messages, error } = decoder.push(stream);
        expect(messages.length + (error === null ? 0 : 1)).toBeLessThanOrEqual(1);
        const last = decoder.end();
        if (error !== null) expect(last).toBe(error);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("judgeHello", () => {
  const stage = of({ role: "PP_STAGE", instance: hex("f0".repeat(16)), weights_digest: new Uint8Array(32).fill(1) });
  const judged = (theirs: Partial<Hello>, own: Partial<Hello> = {}): string => {
    try {
      judgeHello({ ...stage, ...own }, of(theirs), peerFault(48));
      return "accepted";
    } catch (error) {
      if (error instanceof WireError && error.code === "header.field" && error.offset === 48) return error.message;
      throw error;
    }
  };

  test("accepts the complement with the same job, ranks, plan and lane", () => {
    expect(judged({})).toBe("accepted");
    expect(judged({ weights_digest: new Uint8Array(32).fill(1) })).toBe("accepted");
    expect(judged({ weights_digest: new Uint8Array(32).fill(1) }, { weights_digest: new Uint8Array(0) })).toBe(
      "accepted",
    );
    const ranks = { rank: 3, peer_rank: 4 };
    expect(judged({ role: "PP_STAGE", ...ranks }, { rank: 4, peer_rank: 3 })).toBe("accepted");
  });

  test.each<[string, Partial<Hello>, string]>([
    ["link.hello.job", { job: "other" }, 'Hello.job: expected "demo", "other" came'],
    [
      "link.hello.role",
      { role: "TP_WORKER" },
      "Hello.role: expected PP_DRIVER or PP_STAGE beside PP_STAGE, TP_WORKER came",
    ],
    ["link.hello.rank", { rank: 1 }, "Hello.rank: expected 0, 1 came"],
    ["link.hello.rank", { peer_rank: 2 }, "Hello.peer_rank: expected 0, 2 came"],
    ["link.hello.plan", { plan: "x".repeat(3000) }, `expected "stages=2", "${"x".repeat(200)}…" came`],
    ["link.hello.plan", { plan: "x".repeat(200) }, `expected "stages=2", "${"x".repeat(200)}" came`],
    ["link.hello.plan", { plan: "stages=3" }, 'Hello.plan: expected "stages=2", "stages=3" came'],
    [
      "link.hello.weights",
      { weights_digest: new Uint8Array(32) },
      `Hello.weights_digest: expected "${"01".repeat(32)}", "00`,
    ],
    ["link.hello.lane", { lane: 2 }, "Hello.lane: expected 1, 2 came"],
    [
      "link.hello.refusal.told",
      { job: "a\n\u001b[2J\u202e\u2028" },
      String.raw`expected "demo", "a\n\u001b[2J\u{202e}\u{2028}" came`,
    ],
  ])("%s: refuses another one (%#)", (_, theirs, message) => {
    expect(judged(theirs)).toContain(message);
  });

  test("the complement of a complement is the role itself", () => {
    for (const role of ["TP_LEADER", "TP_WORKER", "PP_DRIVER", "PP_STAGE"] as const) {
      for (const other of complementsOf(role)) expect(complementsOf(other)).toContain(role);
    }
  });
});

test("a push after end() is the caller's fault, on a stream that failed too", () => {
  for (const stream of [GOLDEN, frame(hex("0802")), hex("ffffffffffffffff")]) {
    const decoder = new HelloDecoder();
    const { error } = decoder.push(stream);
    expect([decoder.end(), decoder.end()]).toEqual([error, error]);
    expect(refusalOf(() => decoder.push(new Uint8Array(1)))).toContain("[state] expected no bytes after end()");
    expect(decoder.error).toBe(error);
  }
});
