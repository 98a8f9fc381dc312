import { chooseBackend, type Model, openModel, Sampler, type TextStream, Tokenizer } from "@tensorwire/tensor-stage";
import { checkDeadlines } from "@tensorwire/transport";
import type { Identity } from "./admission/identity.ts";
import { pipelineIdentity } from "./admission/pipeline-identity.ts";
import type { DecodeOptions } from "./decode.ts";
import { Driver, type Job } from "./driver.ts";
import { splitLayers } from "./layers.ts";
import {
  DEFAULT_DEADLINE_MS,
  DEFAULT_JOB,
  DEFAULT_LANES,
  DEFAULT_MAX_TOKENS,
  DEFAULT_STAGES,
  DEFAULT_START_DEADLINE_MS,
  MAX_LANES,
  type PipelineOptions,
  type Sequence,
  type StageReady,
} from "./options.ts";
import { protectionOf } from "./protection.ts";
import { messageOf, StageLostError } from "./stage-lost.ts";
import { StageProcesses } from "./stage-processes.ts";
import { type CallRecord, joinLanes, overlapFraction, type StageTimes, stageTimes } from "./trace.ts";
import { compareTokens, runWhole, type Verification } from "./verify.ts";
import { within } from "./within.ts";

export interface PipelineResult {
  /** In the order of the prompts. */
  readonly sequences: readonly Sequence[];
  /** Tokens made, prompts not counted. */
  readonly tokens: number;
  /** From the first call to the last result. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  readonly calls: number;
  /** Bytes of requests and of results, over all hops; over the first hop only with `connect`. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Empty with `connect`, as is what follows from it: the times of a stage are known where it was started. */
  readonly stages: readonly (StageReady & StageTimes)[];
  /** The part of the computing time in which at least two stages computed: 0 to 1. */
  readonly overlap: number;
  /** Every call in the driver and in each stage: `chromeTrace` makes a file of it. */
  readonly records: readonly CallRecord[];
  /** Null unless it was asked for. */
  readonly verification: Verification | null;
}

/** How long the stages have to say which of them is lost, after the driver has lost its connection. */
const GRACE_MS = 1000;

/**
 * Runs prompts through a pipeline of stages. An error result, as for a prompt that does not fit the context, ends its sequence
 * only. Rejects with StageLostError when a stage dies, stalls or breaks the contract, and with Error when the options,
 * the model or a stage's start do not allow the run. No process is left behind.
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const model = await openModel(options.model);
  const plan = await planRun(options, model);
  const tokenizer = await Tokenizer.load(options.model);
  const jobs = options.prompts.map((prompt, i) => planJob(options, model, tokenizer, prompt, i));
  const onEvent = options.onEvent ?? (() => {});
  const processes = options.connect === undefined ? await StageProcesses.start({ ...options, ...plan }, onEvent) : null;
  let run: Awaited<ReturnType<typeof drive>>;
  try {
    run = await drive(options, plan, tokenizer, jobs, processes);
  } finally {
    await processes?.kill();
  }
  const { driver, sequences, seconds } = run;
  const records = joinLanes([...driver.records, ...(processes?.records ?? [])]);
  const times = stageTimes(records);
  const tokens = sequences.reduce((sum, sequence) => sum + sequence.tokens.length, 0);
  const between = processes?.hopBytes ?? { out: 0, in: 0 };
  return {
    sequences,
    tokens,
    seconds,
    tokensPerSecond: seconds > 0 ? tokens / seconds : 0,
    calls: driver.calls,
    bytesOut: driver.bytes.out + between.out,
    bytesIn: driver.bytes.in + between.in,
    stages: (processes?.ready ?? []).map((ready, rank) => ({
      ...ready,
      ...(times.find((each) => each.rank === rank) ?? { busyMs: 0, calls: 0 }),
    })),
    overlap: overlapFraction(records),
    records,
    verification: options.verify ? await verify(options, model, jobs, sequences) : null,
  };
}

interface Plan {
  readonly job: string;
  readonly identity: Identity;
  readonly stages: number;
  readonly transport: "tcp" | "unix";
  readonly lanes: number;
}

async function planRun(options: PipelineOptions, model: Model): Promise<Plan> {
  new Sampler(options.sampling);
  const { prompts, stages = DEFAULT_STAGES, transport = "tcp", deadlineMs, startDeadlineMs } = options;
  checkDeadlines({ deadlineMs, startDeadlineMs });
  if (transport === "unix" && options.connect === undefined && options.tls !== undefined) {
    throw new RangeError("tls: expected transport tcp, a Unix socket does not leave this machine");
  }
  const { lanes = DEFAULT_LANES, maxTokens = DEFAULT_MAX_TOKENS } = options;
  const layers = splitLayers(model.config.n_layer, stages, options.split);
  if (prompts.length === 0) throw new RangeError("prompts: expected at least one, none came");
  if (!(Number.isInteger(lanes) && lanes >= 1 && lanes <= MAX_LANES)) {
    throw new RangeError(`lanes: expected from 1 to ${MAX_LANES}, ${lanes} came`);
  }
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1)) {
    throw new RangeError(`maxTokens: expected at least 1, ${maxTokens} came`);
  }
  const { job = options.connect === undefined ? crypto.randomUUID() : DEFAULT_JOB } = options;
  const identity: Identity = { ...(await pipelineIdentity(job, model, layers)), role: "PP_DRIVER", rank: 0 };
  // Each lane does at least one call, so that no stage sees its first lanes end before its last one has come.
  return { job, identity, stages, transport, lanes: Math.min(lanes, prompts.length) };
}

function planJob(
  { maxTokens = DEFAULT_MAX_TOKENS, sampling }: PipelineOptions,
  { config }: Model,
  tokenizer: Tokenizer,
  prompt: string,
  i: number,
): () => DecodeOptions {
  const ids = tokenizer.encode(prompt);
  if (ids.length === 0) throw new RangeError(`prompt ${i}: expected at least one token, an empty text came`);
  const seed = (sampling?.seed ?? 0) + i;
  return () => ({
    ids,
    maxTokens,
    context: config.n_positions,
    eos: config.eos_token_id,
    sampler: new Sampler({ ...sampling, seed }),
  });
}

async function drive(
  options: PipelineOptions,
  { identity, stages, lanes }: Plan,
  tokenizer: Tokenizer,
  jobs: readonly (() => DecodeOptions)[],
  processes: StageProcesses | null,
): Promise<{ driver: Driver; sequences: Sequence[]; seconds: number }> {
  const { signal, deadlineMs = DEFAULT_DEADLINE_MS, startDeadlineMs = DEFAULT_START_DEADLINE_MS } = options;
  const address = options.connect ?? processes!.ready[0]!.address;
  const patience = { deadlineMs: deadlineMs * stages, startDeadlineMs };
  const driver = await Driver.open({
    ...protectionOf(address, options),
    address,
    rank: 0,
    checkDigest: options.checkDigest ?? false,
    identity,
    lanes,
    ...patience,
    signal,
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  const cancel = () => driver.abort("the run was cancelled");
  signal?.addEventListener("abort", cancel, { once: true });
  const lost = processes?.lost(() => driver.openCalls.map(({ call_id }) => call_id));
  const failed = lost?.then((error) => Promise.reject(error));
  failed?.catch(() => {});
  try {
    const sequences: Sequence[] = [];
    const started = performance.now();
    const running = driver.run(jobs.map((job, i) => streamed(job(), i, options, tokenizer, sequences)));
    await Promise.race([running, ...(failed ? [failed] : [])]);
    const seconds = (performance.now() - started) / 1000;
    await driver.shutdown();
    await processes?.finish(deadlineMs);
    return { driver, sequences, seconds };
  } catch (error) {
    signal?.throwIfAborted();
    // A stage that loses the next one ends too, and the driver may see that first: the stages know who was lost.
    const known = lost && (await within(lost, GRACE_MS, "no stage was lost").catch(() => null));
    throw explain(known ?? error, driver);
  } finally {
    signal?.removeEventListener("abort", cancel);
    driver.abort("the run is over");
  }
}

/** Adds what the error results said. */
function explain(error: unknown, driver: Driver): unknown {
  if (!(error instanceof StageLostError)) return error;
  const open = driver.openCalls;
  const said = open.flatMap(({ error }) => error ?? []).map((message) => `\n  ${message}`);
  return new StageLostError(
    error.rank,
    open.map(({ call_id }) => call_id),
    `${error.why}${said.join("")}`,
  );
}

/** The job with its text going out as it comes, and its sequence put in its place at the end. */
function streamed(
  job: DecodeOptions,
  prompt: number,
  { onText, onEvent }: PipelineOptions,
  tokenizer: Tokenizer,
  sequences: Sequence[],
): Job {
  const stream: TextStream = tokenizer.stream();
  let text = "";
  const add = (piece: string) => {
    text += piece;
    if (piece !== "") onText?.(piece, prompt);
  };
  return {
    ...job,
    onToken: (id) => add(stream.push(id)),
    onEnd: ({ tokens, finish, error }) => {
      add(stream.end());
      const sequence = { prompt, text, tokens, finish, ...(finish === "error" && { error: messageOf(error) }) };
      sequences[prompt] = sequence;
      onEvent?.({ event: "sequence", sequence });
    },
  };
}

async function verify(
  { backend, requireGpu = false, wireDtype = "float32", signal, onEvent }: PipelineOptions,
  model: Model,
  jobs: readonly (() => DecodeOptions)[],
  sequences: readonly Sequence[],
): Promise<Verification> {
  const choice = await chooseBackend(backend, { requireGpu });
  onEvent?.({ event: "verifying", backend: choice });
  const whole = await runWhole(
    model,
    jobs.map((job) => job()),
    signal,
  );
  return compareTokens(sequences, whole, wireDtype === "float32");
}
