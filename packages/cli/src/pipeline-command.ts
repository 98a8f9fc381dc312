import { type Paint, paintFor } from "@tensorwire/conformance/paint";
import type { PipelineOptions, PipelineResult, Verification } from "@tensorwire/pipeline";
import { Command } from "commander";
import { integer, integers, oneOf, out, UsageError } from "./output.ts";
import { type ProtectionFlags, protectable, protectionFrom } from "./protection-flags.ts";

/** What the demo runs when no prompt is given: several sequences, so that the stages overlap. */
const DEMO_PROMPTS = ["A decoder MUST", "A sender MUST", "The stage is"];

interface Flags extends ProtectionFlags {
  readonly model?: string;
  readonly prompt: string[];
  readonly maxTokens: number;
  readonly stages: number;
  readonly lanes?: number;
  readonly transport: "tcp" | "unix";
  readonly connect?: string;
  readonly job?: string;
  readonly split?: readonly number[];
  readonly backend: string;
  readonly requireGpu?: true;
  readonly checkDigest?: true;
  readonly dtype: "float32" | "float16" | "bfloat16";
  readonly temperature?: number;
  readonly topK?: number;
  readonly seed?: number;
  readonly verify: boolean;
  readonly trace?: string;
  readonly quiet?: true;
  readonly json?: true;
}

const collect = (word: string, words: string[]) => [...words, word];

export function pipelineCommand(): Command {
  const command = new Command("pipeline")
    .description(
      "Run a GPT-2-family model split over stage processes, stream its text, and compare it with one process.",
    )
    .option("--model <dir>", "a folder with config.json, model.safetensors and tokenizer.json; default: the demo model")
    .option("--prompt <text>", "a sequence to continue; may be given several times", collect, [])
    .option("--max-tokens <n>", "tokens for each prompt", integer(1), 64)
    .option("--stages <n>", "processes to split the layers over", integer(1, 64), 2)
    .option("--split <n,n,…>", "how many layers each stage has; default: even shares", integers(1))
    .option("--lanes <n>", "sequences in flight; default: one for each prompt, at most 4", integer(1, 64))
    .option("--transport <kind>", "tcp or unix, between stages of this machine", oneOf(["tcp", "unix"]), "tcp")
    .option("--connect <address>", "start nothing: stage 0 runs already, at tcp://HOST:PORT or unix:/PATH")
    .option("--job <name>", "of the stages at --connect, as they were told; default: tensorwire")
    .option("--backend <name>", "auto, wasm, cpu or tfjs-node-gpu", "auto")
    .option("--require-gpu", "fail unless TensorFlow runs on a GPU")
    .option("--check-digest", "put a digest into each result, and refuse one that differs")
    .option(
      "--dtype <name>",
      "float32, float16 or bfloat16 on the wire",
      oneOf(["float32", "float16", "bfloat16"]),
      "float32",
    )
    .option("--temperature <t>", "sample; default: greedy", positive)
    .option("--top-k <k>", "sample among the k likeliest tokens", integer(1))
    .option("--seed <n>", "seed of the sampling", integer(0))
    .option("--no-verify", "do not run the model once more in one process to compare")
    .option("--trace <file>", "write the calls of all stages as a Chrome trace (chrome://tracing, Perfetto)")
    .option("--quiet", "no streamed text")
    .option("--json", "one JSON object on stdout instead of text");
  return protectable(command)
    .addHelpText(
      "after",
      `
Examples:
  tensorwire pipeline
  tensorwire pipeline --prompt "A frame is" --max-tokens 100 --stages 3
  tensorwire pipeline --model ./gpt2 --backend tfjs-node-gpu --dtype bfloat16
  tensorwire pipeline --trace trace.json --transport unix
  tensorwire pipeline --connect tcp://127.0.0.1:7000 --stages 2     stages started with "tensorwire stage"
  tensorwire pipeline --connect tcp://node1:7000 --tls-ca certs/ca.pem --tls-cert certs/me.pem --tls-key certs/me.key

With --connect, --model, --split and --job are those of the stages, which are started anew for each run. The comparison runs on the
--backend that is given here: another one than that of the stages may choose the other of two tokens that are nearly as likely.

Exit status: 0, 1 the run failed or its tokens differ from those of one process, 64 usage.`,
    )
    .action(run);
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`expected a temperature above 0, got "${text}"`);
}

async function run(flags: Flags): Promise<void> {
  const { DEMO_MODEL_DIR } = await import("@tensorwire/tensor-stage");
  const { chromeTrace, runPipeline } = await import("@tensorwire/pipeline");
  const prompts = flags.prompt.length > 0 ? flags.prompt : DEMO_PROMPTS;
  const { temperature, topK, seed } = flags;
  const sampling = {
    ...(temperature !== undefined && { temperature }),
    ...(topK !== undefined && { topK }),
    ...(seed !== undefined && { seed }),
  };
  const view = flags.json || flags.quiet ? null : new TextView(prompts);
  const options: PipelineOptions = {
    model: flags.model ?? DEMO_MODEL_DIR,
    prompts,
    stages: flags.stages,
    lanes: flags.lanes ?? Math.min(4, prompts.length),
    transport: flags.transport,
    ...(flags.connect !== undefined && { connect: flags.connect }),
    ...(flags.split && { split: flags.split }),
    ...(flags.job !== undefined && { job: flags.job }),
    maxTokens: flags.maxTokens,
    backend: flags.backend,
    ...(flags.requireGpu && { requireGpu: true }),
    ...(flags.checkDigest && { checkDigest: true }),
    wireDtype: flags.dtype,
    ...(Object.keys(sampling).length > 0 && { sampling }),
    verify: flags.verify,
    ...protectionFrom(flags),
    onText: (text, prompt) => view?.text(text, prompt),
    onEvent: (event) => {
      if (event.event === "ready") {
        const { rank, layers, address, backend } = event;
        note(`stage ${rank}: layers ${layers.from} to ${layers.to - 1}, ${address}, ${backend.reason}`);
      }
      if (event.event === "stderr") note(`stage ${event.rank}: ${event.line}`);
      if (event.event === "verifying") {
        view?.finish();
        note(`comparing with one process on ${event.backend.name}`);
      }
    },
  };
  const result = await runPipeline(options);
  view?.finish();
  if (flags.trace !== undefined) await Bun.write(flags.trace, chromeTrace(result.records));
  if (flags.json) out.json(result);
  else report(result, flags);
  const { sequences, verification } = result;
  const failed = sequences.some(({ finish }) => finish === "error");
  process.exitCode = failed || (verification?.required && !verification.identical) ? 1 : 0;
}

function report(result: PipelineResult, flags: Flags): void {
  const paint = paintFor(process.stdout);
  const { sequences, tokens, tokensPerSecond, stages, overlap, bytesOut, bytesIn, verification } = result;
  for (const { prompt, error } of sequences) if (error !== undefined) out.line(paint.bad(`prompt ${prompt}: ${error}`));
  out.line();
  const way = flags.connect === undefined ? `over ${flags.transport}` : `through ${flags.connect}`;
  // A Unix socket takes no TLS.
  const tls = flags.tlsCa !== undefined && !flags.connect?.startsWith("unix:");
  const how = tls ? `${way} with TLS` : way;
  out.line(`${tokens} tokens, ${tokensPerSecond.toFixed(0)} tokens/s ${how}, ${flags.dtype} on the wire`);
  out.line(`${kilobytes(bytesOut)} of requests, ${kilobytes(bytesIn)} of results between processes`);
  for (const { rank, busyMs, calls } of stages) out.line(`stage ${rank}: ${calls} calls, ${busyMs.toFixed(0)} ms busy`);
  if (stages.length > 1) out.line(`${(overlap * 100).toFixed(0)} % of the busy time, two stages or more at once`);
  if (verification !== null) out.line(verdict(verification, tokens, flags, paint));
}

function verdict(verification: Verification, tokens: number, { dtype }: Flags, paint: Paint): string {
  const { identical, required, difference } = verification;
  if (identical) return paint.good(`all ${tokens} tokens equal those of the same model in one process`);
  const { prompt, position, pipeline, oneProcess } = difference!;
  const text = `differs from one process at token ${position} of prompt ${prompt}: ${pipeline} here, ${oneProcess} there`;
  return required ? paint.bad(text) : `${text} (${dtype} rounds on the wire)`;
}

function kilobytes(bytes: number): string {
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** Notes go to stderr, so that stdout holds the text alone. */
function note(text: string): void {
  process.stderr.write(`${paintFor(process.stderr).dim(text)}\n`);
}

/**
 * Text of several prompts on one terminal: the first unfinished one streams, the others wait for their turn, so that nothing
 * is mixed.
 */
class TextView {
  readonly #prompts: readonly string[];
  readonly #waiting: string[];
  #current = -1;

  constructor(prompts: readonly string[]) {
    this.#prompts = prompts;
    this.#waiting = prompts.map(() => "");
  }

  text(text: string, prompt: number): void {
    if (this.#current < 0) this.#open(0);
    if (prompt === this.#current) process.stdout.write(text);
    else this.#waiting[prompt] += text;
  }

  finish(): void {
    while (this.#current < this.#prompts.length - 1) this.#open(this.#current + 1);
    if (this.#current === this.#prompts.length - 1) process.stdout.write("\n");
    this.#current = this.#prompts.length;
  }

  #open(prompt: number): void {
    if (prompt > 0) process.stdout.write("\n\n");
    this.#current = prompt;
    const paint = paintFor(process.stdout);
    process.stdout.write(paint.bold(this.#prompts[prompt]!) + this.#waiting[prompt]);
  }
}
