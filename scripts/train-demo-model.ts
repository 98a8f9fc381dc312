/**
 * bun scripts/train-demo-model.ts [--seconds N] [--out DIR] [--backend NAME] [TEXT...]
 *
 * Trains the demo model, a small GPT-2, on the project's own text, and writes it as a Hugging Face folder to
 * packages/tensor-stage/models/demo. Needs python3 with pip, for the tokenizer, and the native backend, for speed. A TEXT is a file to read
 * besides, for trials.
 */
import { existsSync, mkdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  chooseBackend,
  DEMO_MODEL_DIR,
  encodeSafetensors,
  generate,
  openModel,
  parseGpt2Config,
  Sampler,
  Stage,
  Tokenizer,
} from "@tensorwire/tensor-stage";
import { readCorpus } from "./demo-model/corpus.ts";
import { modelCard } from "./demo-model/model-card.ts";
import { Trainer, type TrainingText } from "./demo-model/trainer.ts";

const ROOT = join(import.meta.dir, "..");
const SEED = 1;
const BATCH = 4;
const PEAK_RATE = 3e-3;
const WARM_UP_STEPS = 100;
const CONFIG = {
  architectures: ["GPT2LMHeadModel"],
  model_type: "gpt2",
  vocab_size: 1024,
  n_positions: 256,
  n_embd: 128,
  n_layer: 4,
  n_head: 4,
  activation_function: "gelu_new",
  layer_norm_epsilon: 1e-5,
  tie_word_embeddings: true,
  bos_token_id: 0,
  eos_token_id: 0,
  torch_dtype: "float16",
};
const PROMPTS = ["A frame is", "A decoder MUST", "The stage"];
const SAMPLING = { temperature: 0.4, topK: 40 };

/** Trains with the `tokenizers` package, which writes the file that the npm library of the same maker reads. */
async function trainTokenizer(texts: readonly string[], dir: string): Promise<void> {
  const site = join(ROOT, ".cache/tokenizers-0.23.3");
  const run = async (command: string[], stdin: Uint8Array<ArrayBuffer>) => {
    const child = Bun.spawn(command, {
      env: { ...process.env, PYTHONPATH: site },
      stdin,
      stdout: "inherit",
      stderr: "pipe",
    });
    const [err] = await Promise.all([child.stderr.text(), child.exited]);
    if (child.exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${child.exitCode}\n${err}`);
  };
  if (!existsSync(join(site, "tokenizers"))) {
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    await run(["python3", ...pip, "--target", site, "tokenizers==0.23.3"], new Uint8Array());
  }
  const script = join(import.meta.dir, "demo-model/train-tokenizer.py");
  const input = new TextEncoder().encode(JSON.stringify(texts));
  await run(["python3", script, String(CONFIG.vocab_size), join(dir, "tokenizer.json")], input);
}

/** All texts in a row, an end-of-text token behind each. */
function trainingText(tokenizer: Tokenizer, texts: readonly string[]): TrainingText {
  const ids = Int32Array.from(texts.flatMap((text) => [...tokenizer.encode(text), CONFIG.eos_token_id]));
  const ends = new Set(
    Array.from({ length: CONFIG.vocab_size }, (_, id) => id).filter((id) => tokenizer.decode([id]).endsWith("\n")),
  );
  ends.add(CONFIG.eos_token_id);
  const starts = Array.from(ids.keys()).filter((i) => i === 0 || (ends.has(ids[i - 1]!) && !ends.has(ids[i]!)));
  return { ids, starts };
}

/** Rises over the first steps, then falls along a cosine with the time used, to a twentieth of the peak. */
function rateAt(step: number, done: number): number {
  const warm = Math.min(1, (step + 1) / WARM_UP_STEPS);
  return PEAK_RATE * warm * (0.05 + 0.95 * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, done))));
}

function train(trainer: Trainer, stream: TrainingText, seconds: number): { loss: number; steps: number } {
  const started = performance.now();
  let [average, steps, reported] = [Number.NaN, 0, 0];
  for (let done = 0; done < 1; steps++) {
    const loss = trainer.step(stream, BATCH, rateAt(steps, done));
    if (!Number.isFinite(loss)) throw new Error(`the loss became ${loss} in step ${steps}`);
    average = Number.isNaN(average) ? loss : 0.98 * average + 0.02 * loss;
    const elapsed = (performance.now() - started) / 1000;
    done = elapsed / seconds;
    if (elapsed - reported < 10 && done < 1) continue;
    reported = elapsed;
    const tokens = (steps + 1) * BATCH * CONFIG.n_positions;
    const speed = `${Math.round(tokens / elapsed)} tokens/s`;
    console.log(`${elapsed.toFixed(0).padStart(5)} s  step ${steps + 1}  loss ${average.toFixed(3)}  ${speed}`);
  }
  return { loss: average, steps };
}

/** What the folder just written says: read back from it, float16 weights and all, as a user would. */
async function sample(dir: string): Promise<string[]> {
  const stage = await Stage.load(await openModel(dir));
  const tokenizer = await Tokenizer.load(dir);
  const samples = PROMPTS.map((prompt) => {
    const sampler = new Sampler({ ...SAMPLING, seed: SEED });
    const options = { maxTokens: 80, stopToken: CONFIG.eos_token_id };
    return prompt + tokenizer.decode([...generate([stage], tokenizer.encode(prompt), sampler, options)]);
  });
  stage.dispose();
  return samples;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: "string", default: "700" },
      out: { type: "string", default: DEMO_MODEL_DIR },
      backend: { type: "string", default: "tfjs-node-gpu" },
    },
  });
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds is ${values.seconds}, expected a number above 0`);
  const { reason } = await chooseBackend(values.backend);
  console.log(`backend: ${reason}`);
  mkdirSync(values.out, { recursive: true });
  const texts = await readCorpus(ROOT);
  for (const path of positionals) texts.push(await readFile(path, "utf8"));
  await trainTokenizer(texts, values.out);
  const tokenizer = await Tokenizer.load(values.out);
  const stream = trainingText(tokenizer, texts);
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const trainer = new Trainer(parseGpt2Config(CONFIG), SEED);
  console.log(
    `${texts.length} texts, ${characters} characters, ${stream.ids.length} tokens; ${trainer.parameterCount} parameters`,
  );
  const { loss, steps } = train(trainer, stream, seconds);
  await writeFile(join(values.out, "config.json"), `${JSON.stringify(CONFIG, null, 2)}\n`);
  await writeFile(join(values.out, "model.safetensors"), encodeSafetensors(trainer.export()));
  const samples = await sample(values.out);
  const card = modelCard({
    backend: reason,
    texts: texts.length,
    characters,
    tokens: stream.ids.length,
    parameters: trainer.parameterCount,
    context: CONFIG.n_positions,
    layers: CONFIG.n_layer,
    seconds,
    steps,
    batch: BATCH,
    loss,
    samples,
  });
  await writeFile(join(values.out, "README.md"), card);
  console.log(card);
}

await main();
