import { describe, expect, test } from "bun:test";
import { hexdump } from "./hexdump.ts";

const bytes = Uint8Array.from({ length: 40 }, (_, i) => i);

describe("hexdump", () => {
  test("draws cuts as bars and puts letters under fields", () => {
    const frame = Buffer.from("0000000568656c6c6f", "hex");
    const marks = [
      { field: "frame", start: 0, end: 9 },
      { field: "length", start: 0, end: 4 },
      { field: "payload", start: 4, end: 9 },
    ];
    expect(hexdump(frame, { cuts: [3, 8], marks })).toEqual([
      "00000000  00 00 00|05 68 65 6c 6c |6f                       ....hello",
      "          aaaaaaaaaaa bbbbbbbbbbbbbbb                       a length  b payload",
    ]);
  });

  test("shows the rows around the focus, and says what it leaves out", () => {
    expect(hexdump(bytes, { rows: 1, focus: 20 })).toEqual([
      "          … 16 bytes before",
      "00000010  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 1e 1f  ................",
      "          … 8 bytes more",
    ]);
    expect(hexdump(bytes.subarray(0, 2), { total: 70_000 }).at(-1)).toBe("          … 69998 bytes more");
  });

  test("a focus beyond what is held shows the last rows", () => {
    expect(hexdump(bytes, { rows: 1, focus: 70_000, total: 70_000 })).toEqual([
      "          … 32 bytes before",
      "00000020  20 21 22 23 24 25 26 27                            !\"#$%&'",
      "          … 69960 bytes more",
    ]);
  });

  test("of no bytes is empty", () => {
    expect(hexdump(new Uint8Array())).toEqual([]);
  });
});
