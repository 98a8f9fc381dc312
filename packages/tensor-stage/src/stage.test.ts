import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { WireError } from "@tensorwire/framing";
import fc from "fast-check";
import golden from "../fixtures/tiny-gpt2/golden.json";
import { chooseBackend } from "./backend.ts";
import { type Model, openModel } from "./model.ts";
import { stageParameters } from "./parameters.ts";
import { Stage, type StageInput, type StageOptions } from "./stage.ts";
import { testBackends } from "./testing.ts";

const IDS = Int32Array.from(golden.ids);
const ids = (...values: number[]): StageInput => ({ ids: Int32Array.from(values) });
const worstGap = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

let model: Model;

async function withStages<T>(options: StageOptions[], use: (...stages: Stage[]) => T): Promise<T> {
  const stages = await Promise.all(options.map((each) => Stage.load(model, each)));
  try {
    return use(...stages);
  } finally {
    for (const stage of stages) stage.dispose();
  }
}

/** Runs the tokens through a chain of stages, cut into calls of the given sizes, and returns each call's logits. */
function run(stages: Stage[], tokens: Int32Array, sizes: number[], lane = "a"): Float32Array[] {
  let at = 0;
  return sizes.map((size) => {
    const piece = tokens.subarray(at, at + size);
    at += size;
    const [first, ...rest] = stages;
    let output = first!.forward(lane, { ids: piece });
    for (const stage of rest) {
      expect(output).toMatchObject({ kind: "hidden", shape: [size, model.config.n_embd] });
      output = stage.forward(lane, { hidden: output.data });
    }
    expect(output).toMatchObject({ kind: "logits", shape: [model.config.vocab_size] });
    return output.data;
  });
}

const oneByOne = Array.from(IDS, () => 1);

for (const backend of testBackends()) {
  describe(`a stage on ${backend}`, () => {
    beforeAll(async () => {
      await chooseBackend(backend);
      model = await openModel(join(import.meta.dir, "../fixtures/tiny-gpt2"));
    });

    test("gives the logits of the float64 reference, token by token and as one prompt", () =>
      withStages([{}], (whole) => {
        for (const [i, logits] of run([whole], IDS, oneByOne).entries()) {
          expect(worstGap(logits, golden.logits[i]!)).toBeLessThan(1e-4);
        }
        for (let length = 1; length <= IDS.length; length++) {
          const [logits] = run([whole], IDS, [length], `prompt ${length}`);
          expect(worstGap(logits!, golden.logits[length - 1]!)).toBeLessThan(1e-4);
        }
      }));

    test("every split gives the same bits as the whole model", async () => {
      const sizes = [5, 1, 1, 3, 1, 1];
      const expected = await withStages([{}], (whole) => run([whole], IDS, sizes));
      const splits = [[1], [2], [1, 2]];
      for (const cuts of splits) {
        const edges = [0, ...cuts, model.config.n_layer];
        const options = edges.slice(1).map((to, i) => ({ from: edges[i]!, to }));
        const actual = await withStages(options, (...stages) => run(stages, IDS, sizes));
        expect(actual).toEqual(expected);
      }
    });

    test("lanes do not see each other, however their calls interleave", () =>
      withStages([{}], (whole) => {
        const sequences = [IDS, IDS.toReversed(), Int32Array.from(IDS, (id) => (id + 5) % model.config.vocab_size)];
        const alone = sequences.map((tokens, i) => run([whole], tokens, oneByOne, `alone ${i}`));
        fc.assert(
          fc.property(fc.array(fc.nat({ max: 2 }), { maxLength: 30 }), (order) => {
            const seen = [0, 0, 0];
            for (const i of order.filter((lane) => seen[lane]! < IDS.length && ++seen[lane]!)) {
              const at = whole.length(i);
              expect(whole.forward(i, ids(sequences[i]![at]!)).data).toEqual(alone[i]![at]!);
            }
            for (const i of seen.keys()) whole.reset(i);
          }),
          { numRuns: 10 },
        );
      }));

    test("a prompt cut anywhere ends in the same logits, to rounding", () =>
      withStages([{}], (whole) => {
        for (let cut = 1; cut < IDS.length; cut++) {
          const logits = run([whole], IDS, [cut, IDS.length - cut], `cut ${cut}`).at(-1)!;
          expect(worstGap(logits, golden.logits.at(-1)!)).toBeLessThan(1e-4);
        }
      }));

    test("reset makes a lane new", () =>
      withStages([{}], (whole) => {
        const [first] = run([whole], IDS, [4]);
        expect(whole.length("a")).toBe(4);
        whole.reset("a");
        expect(whole.length("a")).toBe(0);
        expect(run([whole], IDS, [4])[0]!).toEqual(first!);
      }));

    test("no tensor is left behind: flat over steps, back to the start after dispose", async () => {
      const before = tf.memory().numTensors;
      await withStages([{ from: 0, to: 2 }, { from: 2 }], (...stages) => {
        run(stages, IDS, [2]);
        const running = tf.memory().numTensors;
        for (let round = 0; round < 20; round++) {
          run(stages, IDS, [1]);
          if (stages[0]!.length("a") === model.config.n_positions) {
            for (const stage of stages) stage.reset("a");
            run(stages, IDS, [2]);
          }
          expect(tf.memory().numTensors).toBe(running);
        }
        expect(() => stages[0]!.forward("a", ids(99))).toThrow(WireError);
        expect(tf.memory().numTensors).toBe(running);
      });
      expect(tf.memory().numTensors).toBe(before);
    });

    test("a stage holds the weights of its own layers only", async () => {
      for (const [from, to] of [
        [0, 1],
        [1, 2],
        [2, 3],
      ] as const) {
        const before = tf.memory().numBytes;
        const stage = await Stage.load(model, { from, to });
        const shapes = [...stageParameters(model.config, from, to).values()];
        const constants = 4;
        const expected = shapes.reduce((sum, shape) => sum + 4 * shape.reduce((a, b) => a * b, 1), 4 * constants);
        expect(tf.memory().numBytes - before).toBe(expected);
        stage.dispose();
      }
    });

    test("the input is not kept, and the output is the caller's own", () =>
      withStages([{ from: 0, to: 1 }, { from: 1 }], (first, second) => {
        const expected = run([first, second], IDS, [3, 1], "expected").at(-1)!;
        const prompt = IDS.slice(0, 3);
        const output = first.forward("b", { ids: prompt });
        prompt.fill(0);
        second.forward("b", { hidden: output.data });
        output.data.fill(NaN);
        const step = first.forward("b", { ids: IDS.slice(3, 4) });
        expect(second.forward("b", { hidden: step.data }).data).toEqual(expected);
      }));
  });
}

describe("refusals", () => {
  beforeAll(async () => {
    await chooseBackend("cpu");
    model = await openModel(join(import.meta.dir, "../fixtures/tiny-gpt2"));
  });

  const refused = (code: string, message: string, call: () => void) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(WireError);
    expect(error).toMatchObject({ code, fault: "caller", fatal: false });
    expect((error as Error).message).toContain(message);
  };

  test("more tokens than the context holds, and the lane goes on as it was", () =>
    withStages([{}], (whole) => {
      run([whole], IDS, [11]);
      refused("state", "lane a has 11 tokens and 2 more came, the context holds 12", () =>
        whole.forward("a", ids(1, 2)),
      );
      const logits = whole.forward("a", { ids: IDS.subarray(11) }).data;
      expect(worstGap(logits, golden.logits[11]!)).toBeLessThan(1e-4);
      refused("state", "the context holds 12", () => whole.forward("a", ids(1)));
    }));

  test("more lanes than allowed, until one is reset", () =>
    withStages([{ maxLanes: 2 }], (whole) => {
      whole.forward(1, ids(1));
      whole.forward(2, ids(1));
      refused("state", "all 2 lanes are in use", () => whole.forward(3, ids(1)));
      whole.reset(1);
      whole.forward(3, ids(1));
    }));

  test("ids outside the vocabulary, none at all, or the wrong kind of input", () =>
    withStages([{ from: 0, to: 1 }, { from: 1 }], (first, second) => {
      refused("spec.mismatch", "token 1 has id 19, the vocabulary has 19 tokens", () => first.forward("a", ids(0, 19)));
      refused("spec.mismatch", "token 0 has id -1", () => first.forward("a", ids(-1)));
      refused("spec.mismatch", "no token id came", () => first.forward("a", ids()));
      refused("spec.mismatch", "takes token ids", () => first.forward("a", { hidden: new Float32Array(12) }));
      refused("spec.mismatch", "takes hidden states", () => second.forward("a", ids(1)));
      for (const length of [0, 11, 13]) {
        const message = `${length} hidden values came, expected a positive multiple of 12`;
        refused("spec.mismatch", message, () => second.forward("a", { hidden: new Float32Array(length) }));
      }
      expect([first.length("a"), second.length("a")]).toEqual([0, 0]);
    }));

  test("a split that the model does not have", async () => {
    for (const [from, to] of [
      [0, 4],
      [1, 1],
      [2, 1],
      [-1, 2],
      [0.5, 2],
    ] as const) {
      await expect(Stage.load(model, { from, to })).rejects.toThrow("no stage of a model with 3 layers");
    }
  });
});
