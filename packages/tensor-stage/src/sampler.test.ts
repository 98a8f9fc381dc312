import { describe, expect, test } from "bun:test";
import { mulberry32, Sampler } from "./sampler.ts";

const LOGITS = Float32Array.of(0, 2, 1, 2, -3);

function draw(options: ConstructorParameters<typeof Sampler>[0], count = 4000): number[] {
  const sampler = new Sampler(options);
  const counts = new Array<number>(LOGITS.length).fill(0);
  for (let i = 0; i < count; i++) counts[sampler.next(LOGITS)]!++;
  return counts.map((each) => each / count);
}

describe("Sampler", () => {
  test("without a temperature it takes the likeliest, the lower id of two", () => {
    expect(draw({}, 10)).toEqual([0, 1, 0, 0, 0]);
  });

  test("with a temperature it draws by softmax(logits / temperature)", () => {
    for (const temperature of [0.5, 1, 2]) {
      const weights = Array.from(LOGITS, (logit) => Math.exp(logit / temperature));
      const total = weights.reduce((a, b) => a + b);
      for (const [id, share] of draw({ temperature, seed: 7 }).entries()) {
        expect(Math.abs(share - weights[id]! / total)).toBeLessThan(0.03);
      }
    }
  });

  test("topK leaves the k likeliest, ties to the lower id", () => {
    expect(draw({ temperature: 5, topK: 1 }, 50)).toEqual([0, 1, 0, 0, 0]);
    const [zero, one, two, three, four] = draw({ temperature: 5, topK: 3 }, 500);
    expect([zero, four]).toEqual([0, 0]);
    for (const share of [one, two, three]) expect(share).toBeGreaterThan(0.2);
    expect(draw({ temperature: 1, topK: 99, seed: 3 })).toEqual(draw({ temperature: 1, topK: 5, seed: 3 }));
  });

  test("the seed decides, and another seed decides otherwise", () => {
    const sequence = (seed: number) => {
      const sampler = new Sampler({ temperature: 1, seed });
      return Array.from({ length: 50 }, () => sampler.next(LOGITS));
    };
    expect(sequence(1)).toEqual(sequence(1));
    expect(sequence(1)).not.toEqual(sequence(2));
  });

  test("settings that mean nothing are refused", () => {
    for (const temperature of [-1, NaN, Infinity]) {
      expect(() => new Sampler({ temperature })).toThrow(`temperature is ${temperature}, expected 0 or more`);
    }
    for (const topK of [-1, 1.5]) expect(() => new Sampler({ topK })).toThrow(`topK is ${topK}, expected a count`);
  });
});

test("mulberry32 spreads over [0, 1)", () => {
  const random = mulberry32(42);
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) tenths[Math.floor(random() * 10)]!++;
  for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
