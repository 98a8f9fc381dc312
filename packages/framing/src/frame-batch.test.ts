import { describe, expect, test } from "bun:test";
import { FrameDecoder } from "./frame-decoder.ts";
import { concat, hex } from "./testing.ts";

const LARGE = 100_000;

/** A len32 frame of `length` bytes that are all `byte`. */
function frame(length: number, byte: number): Uint8Array {
  return concat([hex(length.toString(16).padStart(8, "0")), new Uint8Array(length).fill(byte)]);
}

/** Pushes the frame in two reads and gives the batch in which it is whole. */
function pushInTwo(decoder: FrameDecoder, bytes: Uint8Array, rest: Uint8Array = new Uint8Array(0)) {
  decoder.push(bytes.slice(0, 10));
  return decoder.push(concat([bytes.slice(10), rest]));
}

describe("take", () => {
  test("a gathered frame that fills its buffer takes the buffer along, and what comes next does not touch it", () => {
    const decoder = new FrameDecoder("len32");
    const batch = pushInTwo(decoder, frame(LARGE, 1));
    const taken = batch.take(0);
    expect(taken.buffer).toBe(batch.buffer(0).buffer);
    for (let i = 2; i < 6; i++) pushInTwo(decoder, frame(LARGE, i));
    expect(taken).toEqual(new Uint8Array(LARGE).fill(1));
  });

  test("a gathered frame that fills half of its buffer takes it, and one byte less is copied", () => {
    const decoder = new FrameDecoder("len32");
    for (const [length, copied] of [
      [2 * 1024, false],
      [2 * 1024 - 1, true],
    ] as const) {
      const batch = pushInTwo(decoder, frame(length, 7));
      expect(batch.buffer(0).length).toBe(4 * 1024);
      expect(batch.take(0).buffer === batch.buffer(0).buffer).toBe(!copied);
    }
  });

  test("a frame that lies in the chunk is copied, behind a gathered one too", () => {
    const decoder = new FrameDecoder("len32");
    const whole = decoder.push(frame(LARGE, 1));
    expect(whole.take(0).buffer).not.toBe(whole.chunk.buffer);
    const mixed = pushInTwo(decoder, frame(LARGE, 2), frame(LARGE, 3));
    const second = mixed.take(1);
    expect(second.buffer).not.toBe(mixed.chunk.buffer);
    expect(second).toEqual(new Uint8Array(LARGE).fill(3));
    expect(mixed.take(0)).toEqual(new Uint8Array(LARGE).fill(2));
  });
});

test("a batch grows past its first 64 rows and keeps what it has", () => {
  const stream = concat(Array.from({ length: 200 }, (_, i) => frame(1, i)));
  const batch = new FrameDecoder("len32").push(stream);
  expect(batch.count).toBe(200);
  expect(Array.from({ length: 200 }, (_, i) => batch.view(i)[0])).toEqual(Array.from({ length: 200 }, (_, i) => i));
});
