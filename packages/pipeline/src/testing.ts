/** For the tests of this package: a model small enough for plain JavaScript, a stage that does what a test says, a lane by hand. */
import { fail } from "node:assert";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type PpCallIds,
  type PpRequest,
  PpRequestDecoder,
  type PpResultMessage,
  preparePpResult,
} from "@tensorwire/pp-contract";
import { encodeSafetensors, mulberry32, parseGpt2Config, stageParameters } from "@tensorwire/tensor-stage";
import { type Hello, prepareHello } from "@tensorwire/tp-control";
import { type Connection, formatAddress, listen } from "@tensorwire/transport";
import { idsTensor } from "./activations.ts";
import type { Identity } from "./admission/identity.ts";
import { HandshakeDeadline, receiveHello } from "./admission/receive-hello.ts";
import { withBytesFirst } from "./admission/with-bytes-first.ts";
import { Hop } from "./hop.ts";
import type { RunningStage } from "./stage.ts";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz.,Ġ"];

export const TINY_CONFIG = {
  model_type: "gpt2",
  vocab_size: LETTERS.length,
  n_positions: 24,
  n_embd: 16,
  n_layer: 3,
  n_head: 2,
  eos_token_id: null,
} as const;

/** Matrices are large enough for the likeliest token to depend on all that came before it. */
function value(name: string, random: () => number): number {
  if (name.endsWith(".bias")) return 0;
  return /ln_.\.weight$/.test(name) ? 1 : (random() - 0.5) * 2;
}

/** Writes a random model of three layers, with one token for each letter, and returns its folder. */
export function writeTinyModel(seed = 7): string {
  const dir = mkdtempSync(join(tmpdir(), "tensorwire-model-"));
  const random = mulberry32(seed);
  const tensors = [...stageParameters(parseGpt2Config(TINY_CONFIG), 0, TINY_CONFIG.n_layer)].map(([name, shape]) => ({
    name,
    shape,
    values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => value(name, random)),
    dtype: "float32" as const,
  }));
  const tokenizer = {
    normalizer: null,
    post_processor: null,
    added_tokens: [],
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: Object.fromEntries(LETTERS.map((letter, id) => [letter, id])), merges: [] },
  };
  writeFileSync(join(dir, "config.json"), JSON.stringify(TINY_CONFIG));
  writeFileSync(join(dir, "model.safetensors"), encodeSafetensors(tensors));
  writeFileSync(join(dir, "tokenizer.json"), JSON.stringify(tokenizer));
  return dir;
}

export interface ScriptedStage extends AsyncDisposable {
  readonly address: string;
  /** Everything that came, on all lanes. */
  readonly requests: PpRequest[];
}

/** What a scripted stage does with a request: it may answer, answer wrongly, hang up, or do nothing. */
export type Script = (request: PpRequest, connection: Connection) => unknown;

/** Listens on loopback, or at `address`. */
export async function scriptedStage(script: Script, address?: string): Promise<ScriptedStage> {
  const requests: PpRequest[] = [];
  const listener = await listen(address, {
    onConnection: async (raw) => {
      const connection = await welcome(raw);
      if (connection === null) return;
      const decoder = new PpRequestDecoder();
      for (let chunk = await connection.read(); chunk !== null; chunk = await connection.read()) {
        for (const request of decoder.push(chunk).messages) {
          requests.push(request);
          await script(request, connection);
        }
      }
      await connection.end();
    },
  });
  const dispose = async () => {
    listener.stop();
    for (const connection of listener.connections) connection.abort();
  };
  return { address: formatAddress(listener.address), requests, [Symbol.asyncDispose]: dispose };
}

/** Answers whoever comes as the one who was dialled. */
async function welcome(connection: Connection): Promise<Connection | null> {
  const received = await receiveHello(connection, new HandshakeDeadline({}));
  if (received === null) return null;
  const { rank, peer_rank, ...same } = received.hello;
  const answer: Hello = { ...same, role: "PP_STAGE", rank: peer_rank, peer_rank: rank };
  await connection.write([prepareHello(answer)]);
  return withBytesFirst(connection, received.rest);
}

/** Answers INFER with logits that are all the call's id. */
export const answering: Script = ({ header }, connection) => {
  if (header.action !== "INFER") return;
  const { call_id, chunk_index, cache_epoch } = header;
  const logits = { key: "logits", dtype: "float32", shape: [4], data: new Float32Array(4).fill(Number(call_id)) };
  return connection.write(preparePpResult({ call_id, chunk_index, cache_epoch, tensors: [logits] }).buffers);
};

/** Deadlines that no passing test comes near. */
export const patience = { deadlineMs: 5000, startDeadlineMs: 30_000 };

/** The error that a promise has to reject with. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => fail("it resolved, a rejection was expected"),
    (error: unknown) => error,
  );
}

/** Who dials, where no stage is there to judge it. */
export const somebody: Identity = { job: "test", role: "PP_DRIVER", rank: 0, plan: "" };

/** Who dials a stage: the driver, or the stage below. */
export function upstreamOf({ identity, ready: { rank } }: RunningStage): Identity {
  return { ...identity, role: rank === 0 ? "PP_DRIVER" : "PP_STAGE", rank: Math.max(0, rank - 1) };
}

/** Opens a lane to a stage, as its upstream does. */
export function openLane(stage: RunningStage, lane = 0): Promise<Hop> {
  const { address, rank } = stage.ready;
  return Hop.open({ address, rank, identity: upstreamOf(stage), lane, ...patience });
}

export function idsOf(call_id: bigint, cache_epoch = 1n): PpCallIds {
  return { call_id, chunk_index: 0n, cache_epoch };
}

/** A call of some tokens on a lane; at position 0 a prefill. */
export function callOn(lane: Hop, id: bigint, position = 0, tokens = 2): Promise<PpResultMessage> {
  const lm = { position, num_tokens: tokens, init_cache: position === 0 };
  return lane.infer(idsOf(id), { lm }, [idsTensor(new Int32Array(tokens).fill(3))], () => {});
}

export async function shutDown(lane: Hop, cache_epoch = 1n): Promise<void> {
  await lane.pass({ ...idsOf(99n, cache_epoch), action: "SHUTDOWN" });
  await lane.close();
}
