import { describe, expect, test } from "bun:test";
import { LINE_LIMIT } from "../protocol.ts";
import { LineError, LineReader } from "./line-reader.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("LineReader", () => {
  test("gives the same lines for every cut", () => {
    const stream = bytes('{"a":"ä"}\n\n{"b":1}\ntail');
    for (let cut = 0; cut <= stream.length; cut++) {
      const reader = new LineReader();
      const lines = [...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))];
      expect(lines).toEqual(['{"a":"ä"}', "", '{"b":1}']);
      expect(reader.held).toBe(4);
    }
  });

  test("takes a line of exactly the limit, its LF included", () => {
    const line = new Uint8Array(LINE_LIMIT).fill(0x61);
    line[LINE_LIMIT - 1] = 0x0a;
    expect(new LineReader().push(line)[0]).toHaveLength(LINE_LIMIT - 1);
  });

  test("refuses a longer line before it has ended", () => {
    const reader = new LineReader();
    reader.push(new Uint8Array(LINE_LIMIT - 1).fill(0x61));
    expect(() => reader.push(bytes("a"))).toThrow(LineError);
  });

  test("refuses what is not UTF-8", () => {
    expect(() => new LineReader().push(new Uint8Array([0xc3, 0x0a]))).toThrow("a line is not UTF-8");
  });
});
