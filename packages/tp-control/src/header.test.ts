import { describe, expect, test } from "bun:test";
import { WireError } from "@tensorwire/framing";
import fc from "fast-check";
import { decodeHeader, encodeHeader, TP_ACTIONS, type TpHeader } from "./header.ts";
import { hex, refusalOf } from "./testing.ts";

const D1 = "0700000000000000 0300000000000000 0700000000000000 0100000000000000 0100000000000000";
const d1: TpHeader = { call_id: 7n, chunk_index: 3n, control_epoch: 7n, cache_epoch: 1n, action: "INFER" };

test("tp.header.layout, tp.header.byte-order: the golden header, both ways", () => {
  expect(encodeHeader(d1)).toEqual(hex(D1));
  expect(decodeHeader(hex(D1))).toEqual(d1);
});

test("tp.header.layout: fields do not swap, wherever the header begins", () => {
  const header = { call_id: 0x0102n, chunk_index: -2n, control_epoch: 2n ** 53n + 1n, cache_epoch: 5n } as const;
  const bytes = hex("ffff 0201000000000000 feffffffffffffff 0100000000002000 0500000000000000 0200000000000000");
  expect(decodeHeader(bytes, 2)).toEqual({ ...header, action: "SHUTDOWN" });
  expect(encodeHeader({ ...header, action: "SHUTDOWN" })).toEqual(bytes.slice(2));
});

test("tp.header.int64-exact, tp.header.unjudged: every int64 in every slot survives", () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const edges = [-(2n ** 63n), 2n ** 63n - 1n, -(2n ** 53n) - 1n, 2n ** 53n + 1n, -1n, 0n, 2n ** 32n, -(2n ** 31n)];
  const value = fc.oneof(int64, fc.constantFrom(...edges));
  const header = fc.record({
    call_id: value,
    chunk_index: value,
    control_epoch: value,
    cache_epoch: value,
    action: fc.constantFrom(...TP_ACTIONS),
  });
  fc.assert(fc.property(header, (h) => expect(decodeHeader(encodeHeader(h))).toEqual(h)));
});

describe("tp.action", () => {
  const withAction = (number: bigint) => {
    const bytes = hex(D1);
    new DataView(bytes.buffer).setBigInt64(32, number, true);
    return bytes;
  };

  test("tp.action.values: NOOP 0, INFER 1, SHUTDOWN 2", () => {
    expect([0n, 1n, 2n].map((n) => decodeHeader(withAction(n)).action)).toEqual(["NOOP", "INFER", "SHUTDOWN"]);
  });

  test("tp.action.unknown, tp.action.full-width: any other number in all its 64 bits is header.field at 40", () => {
    for (const number of [3n, -1n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 56n + 1n, -(2n ** 63n), 2n ** 63n - 1n]) {
      let error: unknown;
      try {
        decodeHeader(withAction(number));
      } catch (thrown) {
        error = thrown;
      }
      if (!(error instanceof WireError)) throw new Error(`action ${number} was accepted`);
      const message = `[header.field] expected action NOOP 0, INFER 1 or SHUTDOWN 2, ${number} came, at byte 40 of the stream`;
      expect([error.offset, error.fatal, error.fault, error.message]).toEqual([40, true, "peer", message]);
    }
  });
});

test("decodeHeader takes a whole header: fewer bytes are the caller's fault", () => {
  expect(refusalOf(() => decodeHeader(hex(D1), 1))).toBe("[state] expected 40 bytes of header, 39 came");
});

test("tp.encode.field-range: what is no signed 64-bit integer is refused by name, never wrapped", () => {
  for (const value of [
    2n ** 63n,
    -(2n ** 63n) - 1n,
    2n ** 64n,
    7 as unknown as bigint,
    undefined as unknown as bigint,
  ]) {
    for (const field of ["call_id", "chunk_index", "control_epoch", "cache_epoch"]) {
      const expected = `[header.field] ${field}: expected a signed 64-bit integer as a bigint, ${value} came`;
      expect(refusalOf(() => encodeHeader({ ...d1, [field]: value }))).toBe(expected);
    }
  }
  expect(refusalOf(() => encodeHeader({ ...d1, action: "ERROR" as "NOOP" }))).toContain("ERROR came");
});
