import { describe, expect, test } from "bun:test";
import { Slab } from "./slab.ts";

const KIB = 1024;
/** What a slab takes for the first bytes of a long payload. */
const FIRST = (() => {
  const slab = new Slab();
  slab.append(new Uint8Array(1), 0, 1, 1024 * KIB);
  return slab.held;
})();
const bytes = (length: number, byte = 1) => new Uint8Array(length).fill(byte);

/** Gathers one payload of `length` bytes in one piece. */
function gather(slab: Slab, length: number, byte = 1): Uint8Array {
  slab.append(bytes(length, byte), 0, length, length);
  return slab.finish();
}

test("capacity grows only when it is full, and then to twice what has arrived, up to what was declared", () => {
  const slab = new Slab();
  const held: number[] = [];
  for (const piece of [1, FIRST - 1, 1, FIRST, FIRST]) {
    slab.append(bytes(piece), 0, piece, 4 * FIRST - 7);
    held.push(slab.held);
  }
  expect(held).toEqual([FIRST, FIRST, 2 * FIRST + 2, 2 * FIRST + 2, 4 * FIRST - 7]);
  // Each byte once, and once more what had arrived before each move to a larger buffer.
  expect(slab.copied).toBe(3 * FIRST + 1 + FIRST + (2 * FIRST + 1));
});

describe("settle", () => {
  for (const [name, before] of [
    ["first", []],
    ["second", [10]],
  ] as const) {
    test(`moves a payload that will not fit to the ${name} buffer, if that is larger`, () => {
      const slab = new Slab();
      for (const length of before) gather(slab, length);
      const large = gather(slab, 200 * KIB);
      slab.append(bytes(10, 2), 0, 10, 150 * KIB);
      const { copied, held } = slab;
      expect(held).toBe(slab.buffer.length + large.length);
      slab.settle(150 * KIB);
      expect(slab.buffer === large).toBe(true);
      expect([...slab.buffer.subarray(0, 10)]).toEqual([...bytes(10, 2)]);
      expect([slab.copied, slab.held]).toEqual([copied + 10, held]);
    });
  }

  test("leaves a payload that fits, up to the last byte", () => {
    const slab = new Slab();
    gather(slab, 200 * KIB);
    slab.append(bytes(10), 0, 10, 150 * KIB);
    const { buffer } = slab;
    slab.settle(buffer.length);
    expect(slab.buffer === buffer).toBe(true);
    slab.settle(buffer.length + 1);
    expect(slab.buffer === buffer).toBe(false);
  });

  test("leaves a payload where the other buffer is no larger, in both of them", () => {
    const slab = new Slab();
    for (let turn = 0; turn < 4; turn++) {
      slab.append(bytes(10), 0, 10, 300 * KIB);
      const { buffer } = slab;
      slab.settle(300 * KIB);
      expect(slab.buffer === buffer).toBe(true);
      slab.finish();
    }
  });
});
