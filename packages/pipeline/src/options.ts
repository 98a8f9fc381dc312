import type { BackendChoice, SamplerOptions, WireDtype } from "@tensorwire/tensor-stage";
import type { TlsOptions } from "@tensorwire/transport";
import type { LayerRange } from "./layers.ts";

/** How long the pipeline waits for others, in milliseconds. */
export interface Deadlines {
  /** For one stage to do one call; a wait for n stages in a row has n times that. 30,000 unless told. */
  readonly deadlineMs?: number;
  /** For a stage to begin to listen. 60,000 unless told. */
  readonly startDeadlineMs?: number;
}

export const DEFAULT_DEADLINE_MS = 30_000;
export const DEFAULT_START_DEADLINE_MS = 60_000;
/** At the end, for a peer to take what it is due and to end its side. */
export const DEFAULT_GRACE_MS = 1000;
export const DEFAULT_IDLE_DEADLINE_MS = 600_000;
export const DEFAULT_JOB = "tensorwire";
export const DEFAULT_STAGES = 2;
export const DEFAULT_LANES = 2;
export const DEFAULT_MAX_TOKENS = 64;
/** Lanes that a stage takes at most, each with a connection, a KV cache, and a connection to the next stage. */
export const MAX_LANES = 64;

/** What all stages of a pipeline have in common. */
export interface StageSettings extends Deadlines {
  /** A model folder in Hugging Face's layout. */
  readonly model: string;
  /** Names what the ranks belong to: a peer of another job is refused. 1 to 128 bytes of UTF-8. "tensorwire" unless told. */
  readonly job?: string;
  /** How many layers each stage has, in the order of ranks. As even as they go unless told. */
  readonly split?: readonly number[];
  /** One of BACKEND_NAMES; "auto" unless told. */
  readonly backend?: string;
  readonly requireGpu?: boolean;
  /** Mutual TLS on every `tcp://` address of a rank, to listen or to dial. A Unix socket has none. */
  readonly tls?: TlsOptions;
  /** Allows addresses on other machines, or that they reach, with nothing to protect what travels. */
  readonly insecure?: boolean;
  /**
   * The last stage puts a digest of its tensors into each result, and whoever takes the result compares: a result that differs, or has
   * none, ends the run. r[pp.acceptance.digest]
   */
  readonly checkDigest?: boolean;
  /** What `hidden` is sent as, whatever came; a stage takes any. "float32" unless told. */
  readonly wireDtype?: WireDtype;
}

/** One stage: which layers it runs, where it listens, what follows it. */
export interface StageOptions extends StageSettings {
  /** From 0. */
  readonly rank: number;
  /** How many stages there are. */
  readonly stages: number;
  /** `tcp://host:port`, port 0 for any, or `unix:/path`. Loopback at a free port unless told. */
  readonly listen?: string;
  /** The address of stage rank + 1, which every stage but the last one needs. */
  readonly next?: string;
  /** For a peer to say who it is, in milliseconds; over TLS, as much again for that. 5,000 unless told. */
  readonly handshakeMs?: number;
  /** Without a message on any lane for so long, the stage ends with an error. 600,000 unless told. */
  readonly idleDeadlineMs?: number;
}

/** A whole run: starts the stages on this machine, or connects to stages that run already. `verify` uses their backend too. */
export interface PipelineOptions extends StageSettings {
  readonly prompts: readonly string[];
  /** A random one unless told, for stages that are started here; with `connect`, "tensorwire" as for those. */
  readonly job?: string;
  /** 2 unless told. */
  readonly stages?: number;
  /** What the stages of this machine are connected by. "tcp" unless told. */
  readonly transport?: "tcp" | "unix";
  /** The address of a stage 0 that runs already: nothing is started then. `stages` still says how many there are. */
  readonly connect?: string;
  /** Sequences in flight at a time, one connection each. 2 unless told, at most MAX_LANES. */
  readonly lanes?: number;
  /** Tokens to make for each prompt. 64 unless told. */
  readonly maxTokens?: number;
  /** Greedy unless told. Prompt i draws with `seed` + i, whatever lane it is on. */
  readonly sampling?: SamplerOptions;
  /** Runs the prompts once more in this process, after the pipeline has ended, and compares token for token. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
  /** Text as it comes; `prompt` is the position in `prompts`. */
  readonly onText?: (text: string, prompt: number) => void;
  readonly onEvent?: (event: PipelineEvent) => void;
}

/** What a run tells while it lasts. */
export type PipelineEvent =
  | StageReady
  /** A line that a stage wrote to stderr. */
  | { readonly event: "stderr"; readonly rank: number; readonly line: string }
  | { readonly event: "sequence"; readonly sequence: Sequence }
  | { readonly event: "verifying"; readonly backend: BackendChoice };

/** A stage takes connections. Its process prints this as one line of JSON on stdout. */
export interface StageReady {
  readonly event: "ready";
  readonly rank: number;
  readonly stages: number;
  readonly layers: LayerRange;
  /** Where it really listens. */
  readonly address: string;
  readonly backend: BackendChoice;
  readonly pid: number;
}

/** Why a sequence ended: the end token, `maxTokens`, a full context, or an error result. */
export type Finish = "eos" | "length" | "context" | "error";

export interface Sequence {
  /** Position in `prompts`. */
  readonly prompt: number;
  /** What was made, without the prompt. An end token is not part of it. */
  readonly text: string;
  readonly tokens: readonly number[];
  readonly finish: Finish;
  /** The error message, with `finish` "error" only; it names rank and call_id. */
  readonly error?: string;
}
