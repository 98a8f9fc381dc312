import { Hop, RankLostError, serveGroupStage, TpLeader, TpWorker } from "@tensorwire/pipeline/ranks";
import { preparePpRequest, preparePpResult } from "@tensorwire/pp-contract";
import type { PreparedMessage, Tensor } from "@tensorwire/tensor-spec";
import { prepareTp } from "@tensorwire/tp-control";
import { type Connection, connect, listen } from "@tensorwire/transport";
import { HEAD, isWhole, makeTensor } from "./content.ts";
import type { Row } from "./run-plan.ts";

/** For a message to be whole: a length that was made larger is found by it. */
const MESSAGE_MS = 150;
/** For the receiver to end, in milliseconds: far above that. */
const DEADLINE_MS = 5000;
const LENGTH = HEAD + 2;
const RANK = 0;

/** What became of one altered byte. */
interface Outcome {
  /** The receiver took no part of the message, and ended. */
  readonly refused: boolean;
  /** It took a tensor, or ids, that are not what was sent: no checksum is on the wire, the content's own tells. */
  readonly altered: boolean;
  readonly hung: boolean;
  readonly ms: number;
}

interface Receiver {
  /** Resolves with how it ended. */
  readonly ended: Promise<unknown>;
  readonly taken: () => readonly Tensor[];
}

interface Target {
  readonly name: string;
  readonly message: PreparedMessage;
  /** What a sender says after the message when all is well, for the receiver to end. */
  readonly after: readonly Uint8Array[];
  readonly receive: (connection: Connection) => Receiver;
}

const ids = { call_id: 1n, chunk_index: 0n, control_epoch: 1n, cache_epoch: 0n };
const origin = { ...ids, rank: RANK };
const tensors = [makeTensor("input_ids", origin, LENGTH)];
const lm = { position: 0, num_tokens: LENGTH, init_cache: true };
const infer = { ...ids, action: "INFER" } as const;
const shutdown = { ...ids, call_id: 2n ** 62n, control_epoch: 2n, action: "SHUTDOWN" } as const;

const TARGETS: readonly Target[] = [
  {
    name: "worker, TP message",
    message: prepareTp({ header: infer, manifest: {}, tensors }),
    after: prepareTp({ header: shutdown }).buffers,
    receive: (connection) => {
      const taken: Tensor[] = [];
      const worker = new TpWorker(connection, { silenceMs: MESSAGE_MS, messageMs: MESSAGE_MS });
      const ended = worker.run((message) => {
        if ("tensors" in message) taken.push(...message.tensors);
      });
      return { ended, taken: () => taken };
    },
  },
  {
    name: "stage, PP request",
    message: preparePpRequest({ header: infer, step: { lm }, tensors }),
    after: preparePpRequest({ header: shutdown }).buffers,
    receive: (connection) => {
      const taken: Tensor[] = [];
      const ended = serveGroupStage(connection, new TpLeader([], { givenIds: true }), {
        rank: 1,
        silenceMs: MESSAGE_MS,
        deadlineMs: MESSAGE_MS,
        work: async (request) => {
          taken.push(...request.tensors);
          return { tensors: [makeTensor("out", { ...origin, rank: 1 }, LENGTH)] };
        },
      });
      return { ended, taken: () => taken };
    },
  },
  {
    name: "driver, PP result",
    message: preparePpResult({ ...ids, tensors: [makeTensor("out", origin, LENGTH)] }),
    after: [],
    receive: (connection) => {
      const hop = new Hop(connection, { rank: 1, deadlineMs: MESSAGE_MS });
      let taken: readonly Tensor[] = [];
      const ended = hop.infer(ids, { lm }, tensors).then((message) => {
        taken = message.tensors;
        hop.abort("done");
      });
      return { ended, taken: () => taken };
    },
  },
];

/** Alters each byte of a small message on its way through a real socket, all bits of it, and watches the receiver. */
export async function corruptEveryByte(every = 1): Promise<Row[]> {
  const rows: Row[] = [];
  for (const target of TARGETS) {
    const bytes = Buffer.concat(target.message.buffers as Uint8Array[]);
    const positions = Array.from({ length: bytes.length }, (_, i) => i).filter((i) => i % every === 0);
    const outcomes: Outcome[] = [];
    const next = positions.values();
    // Many at a time: most of them only wait for a deadline.
    const lane = async () => {
      for (const position of next) outcomes.push(await one(target, bytes, position));
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    rows.push(rowOf(target, outcomes));
  }
  return rows;
}

async function one(target: Target, bytes: Uint8Array, position: number): Promise<Outcome> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await listen(undefined, { onConnection: accepted.resolve });
  const sender = await connect(listener.address);
  const connection = await accepted.promise;
  listener.stop();
  const bad = Uint8Array.from(bytes);
  bad[position]! ^= 0xff;
  const { ended, taken } = target.receive(connection);
  const began = performance.now();
  const how = ended.then(
    () => "taken" as const,
    (error: unknown) => (error instanceof RankLostError ? ("refused" as const) : Promise.reject(error)),
  );
  await sender.write([bad, ...target.after]);
  const end = await Promise.race([how, Bun.sleep(DEADLINE_MS).then(() => "hung" as const)]);
  const ms = performance.now() - began;
  for (const side of [sender, connection]) side.abort("the byte is judged");
  const refused = taken().length === 0;
  return {
    refused,
    altered: !refused && !taken().every((tensor) => isWhole(tensor, origin)),
    hung: end === "hung",
    ms,
  };
}

function rowOf({ name }: Target, outcomes: readonly Outcome[]): Row {
  const number = (pick: (outcome: Outcome) => boolean) => outcomes.filter(pick).length;
  const times = outcomes.map(({ ms }) => ms);
  const [refused, altered] = [number((one) => one.refused), number((one) => one.altered)];
  return {
    fault: `one byte altered, at each of ${outcomes.length} positions: ${name}`,
    calls: outcomes.length,
    firstMs: Math.round(Math.min(...times)),
    lastMs: Math.round(Math.max(...times)),
    saw: [
      `${refused} refused`,
      `${altered} altered content, told by its checksum`,
      `${outcomes.length - refused - altered} another valid message`,
    ],
    stranded: number(({ hung }) => hung),
    torn: 0,
    duplicated: 0,
    hung: number(({ hung }) => hung),
    bufferedKiB: 0,
    rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    wrong: [],
  };
}
