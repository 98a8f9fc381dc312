import { describe, expect, test } from "bun:test";
import { type DecodeOptions, decode } from "./decode.ts";

/** A model whose next token is the position of the token behind the last one, and a sampler that takes it as it is. */
const sampler = { next: (logits: Float32Array) => logits[0]! };

async function run(over: Partial<DecodeOptions>, failAt = Infinity) {
  const calls: [number[], number][] = [];
  const seen: number[] = [];
  const options = { ids: Int32Array.of(50, 51, 52), maxTokens: 3, context: 100, eos: null, sampler, ...over };
  const decoded = await decode({ ...options, onToken: (id) => seen.push(id) }, async (ids, position) => {
    calls.push([[...ids], position]);
    if (position >= failAt) throw new Error(`position ${position}`);
    return Float32Array.of(position + ids.length);
  });
  expect(seen).toEqual([...decoded.tokens]);
  return { ...decoded, calls };
}

describe("decode", () => {
  test("prefills, then feeds each token back at its position, and does no call for a token that nobody asked for", async () => {
    const { tokens, finish, calls } = await run({});
    expect(finish).toBe("length");
    expect(tokens).toEqual([3, 4, 5]);
    expect(calls).toEqual([
      [[50, 51, 52], 0],
      [[3], 3],
      [[4], 4],
    ]);
  });

  test("an end token ends the sequence and is no part of it", async () => {
    expect(await run({ eos: 4 })).toMatchObject({ tokens: [3], finish: "eos" });
    expect(await run({ eos: 3 })).toMatchObject({ tokens: [], finish: "eos" });
  });

  test("a context is filled to its last token", async () => {
    const { tokens, finish, calls } = await run({ context: 4 });
    expect([tokens, finish]).toEqual([[3, 4], "context"]);
    expect(calls.map(([, position]) => position)).toEqual([0, 3]);
    expect(await run({ context: 4, maxTokens: 2 })).toMatchObject({ finish: "length" });
  });

  test("an error keeps what was made before it", async () => {
    expect(await run({}, 4)).toMatchObject({ tokens: [3, 4], finish: "error", error: new Error("position 4") });
  });
});
