/** Which stage this process is, and who said so. */
export interface StagePlacement {
  readonly rank: number;
  readonly stages: number;
  /** Where the two numbers come from, for people: "--rank and --stages", "torchrun", "Open MPI", "Slurm", "Kubernetes". */
  readonly source: string;
}

export interface PlacementFlags {
  readonly rank?: number | undefined;
  readonly stages?: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Innermost first: mpirun and torchrun may run inside a Slurm allocation, whose variables their processes then see too, and
 * always with the numbers of the batch step. An Indexed Job says its index only, so that `--stages` has to be given.
 */
const LAUNCHERS = [
  { source: "torchrun", rank: "RANK", stages: "WORLD_SIZE" },
  { source: "Open MPI", rank: "OMPI_COMM_WORLD_RANK", stages: "OMPI_COMM_WORLD_SIZE" },
  { source: "Slurm", rank: "SLURM_PROCID", stages: "SLURM_NTASKS" },
  { source: "Kubernetes", rank: "JOB_COMPLETION_INDEX", stages: null },
] as const;

/**
 * Reads rank and number of stages from flags, which win, and from what Slurm's srun, Open MPI's mpirun, torchrun or a
 * Kubernetes Indexed Job set. Throws Error that names the variable or flag that is missing or wrong.
 */
export function stagePlacement(env: Environment, flags: PlacementFlags = {}): StagePlacement {
  const launcher = LAUNCHERS.find(({ rank }) => env[rank] !== undefined);
  const rank = flags.rank ?? (launcher && count(env, launcher.rank));
  const stages = flags.stages ?? (launcher?.stages ? count(env, launcher.stages) : undefined);
  if (rank === undefined) {
    const names = LAUNCHERS.map((each) => each.rank).join(", ");
    throw new Error(`no rank: expected --rank, or a launcher that sets one of ${names}`);
  }
  if (stages === undefined) throw new Error("no number of stages: expected --stages");
  if (!(Number.isSafeInteger(rank) && rank >= 0 && rank < stages)) {
    throw new Error(`rank: expected from 0 to ${stages - 1}, since there are ${stages} stages, ${rank} came`);
  }
  const given = [flags.rank !== undefined && "--rank", flags.stages !== undefined && "--stages"].filter(Boolean);
  const read = given.length < 2 && launcher !== undefined ? [launcher.source] : [];
  return { rank, stages, source: [...given, ...read].join(" and ") };
}

function count(env: Environment, name: string): number {
  const text = env[name];
  if (text === undefined) throw new Error(`${name} is not set: expected a whole number`);
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} is ${JSON.stringify(text)}: expected a whole number`);
  return Number(text);
}
