import { Command } from "commander";
import { asUsage, integer, integers, oneOf } from "./output.ts";
import { type ProtectionFlags, protectable, protectionFrom } from "./protection-flags.ts";

/** A wait for all the stages behind is as many times as long, and has to fit a timer too. */
const HOUR_MS = 3_600_000;
/** A longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Flags extends ProtectionFlags {
  readonly rank?: number;
  readonly stages?: number;
  readonly split?: readonly number[];
  readonly model?: string;
  readonly job?: string;
  readonly listen?: string;
  readonly next?: string;
  readonly backend: string;
  readonly requireGpu?: true;
  readonly checkDigest?: true;
  readonly dtype: "float32" | "float16" | "bfloat16";
  readonly deadline?: number;
  readonly idleDeadline?: number;
}

export function stageCommand(): Command {
  const command = new Command("stage")
    .description("Run one stage of a pipeline; start the last one first, and stage 0 last.")
    .option("--rank <n>", "which stage, from 0; default: what the launcher set", integer(0))
    .option("--stages <n>", "how many stages there are; default: what the launcher set", integer(1))
    .option("--split <n,n,…>", "how many layers each stage has, the same for all; default: even shares", integers(1))
    .option("--model <dir>", "a GPT-2-family folder, the same for all stages; default: the demo model")
    .option("--job <name>", "what all its ranks name alike; a peer of another job is refused; default: tensorwire")
    .option("--listen <address>", "tcp://HOST:PORT or unix:/PATH; default: loopback, a free port")
    .option("--next <address>", "where stage rank + 1 listens; also TENSORWIRE_NEXT")
    .option("--backend <name>", "auto, wasm, cpu or tfjs-node-gpu", "auto")
    .option("--require-gpu", "fail unless TensorFlow runs on a GPU")
    .option("--check-digest", "put a digest into each result, and refuse one of the next stage that differs")
    .option(
      "--dtype <name>",
      "float32, float16 or bfloat16 on the wire",
      oneOf(["float32", "float16", "bfloat16"]),
      "float32",
    )
    .option("--deadline <ms>", "for one call in one stage, at most an hour; default: 30000", integer(1, HOUR_MS))
    .option(
      "--idle-deadline <ms>",
      "end after so long without any call; default: 600000",
      integer(1, LONGEST_TIMER_MS),
    );
  return protectable(command)
    .addHelpText(
      "after",
      `
Examples, two stages on one machine:
  tensorwire stage --rank 1 --stages 2 --listen tcp://127.0.0.1:7001
  tensorwire stage --rank 0 --stages 2 --listen tcp://127.0.0.1:7000 --next tcp://127.0.0.1:7001
  tensorwire pipeline --connect tcp://127.0.0.1:7000 --stages 2

Under a launcher rank and number come from its variables (torchrun, Open MPI, Slurm, Kubernetes Indexed Jobs):
  srun -N 2 -n 2 sh -c 'tensorwire stage --listen tcp://0.0.0.0:7000 --next tcp://node2:7000 \\
    --tls-ca certs/ca.pem --tls-cert certs/$(hostname).pem --tls-key certs/$(hostname).key'

Between machines every connection has mutual TLS, or --insecure says that it needs none. The certificate has to carry the name that
--next dials. tensorwire certs makes a set to try it with.

A stage serves one run of tensorwire pipeline and ends. --model, --split and --job are the same for all stages and for the pipeline.

One line of JSON on stdout says when the stage is ready and where it listens. Exit status: 0 after SHUTDOWN or a signal, 1 when
it could not start or a neighbour was lost, 64 usage.`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { stageMain, stagePlacement } = await import("@tensorwire/pipeline");
  const { DEMO_MODEL_DIR } = await import("@tensorwire/tensor-stage");
  // What is missing about rank and stages is a matter of the command line.
  const { rank, stages } = asUsage(() => stagePlacement(process.env, flags));
  const next = flags.next ?? process.env.TENSORWIRE_NEXT;
  const { split, job, listen, deadline, idleDeadline } = flags;
  const status = await stageMain({
    rank,
    stages,
    model: flags.model ?? DEMO_MODEL_DIR,
    backend: flags.backend,
    wireDtype: flags.dtype,
    ...(split && { split }),
    ...(job !== undefined && { job }),
    ...(listen !== undefined && { listen }),
    ...(next !== undefined && { next }),
    ...(deadline !== undefined && { deadlineMs: deadline }),
    ...(idleDeadline !== undefined && { idleDeadlineMs: idleDeadline }),
    ...(flags.requireGpu && { requireGpu: true }),
    ...(flags.checkDigest && { checkDigest: true }),
    ...protectionFrom(flags),
  });
  // A signal's handler, or a socket in its last moments, must not keep the process.
  process.exit(status);
}
