import { describe, expect, test } from "bun:test";
import { type PlacementFlags, type StagePlacement, stagePlacement } from "./placement.ts";

type Environment = Record<string, string>;

const SLURM = { SLURM_PROCID: "1", SLURM_NTASKS: "4" };
const OPEN_MPI = { OMPI_COMM_WORLD_RANK: "2", OMPI_COMM_WORLD_SIZE: "3" };
const TORCHRUN = { RANK: "0", WORLD_SIZE: "2" };
const KUBERNETES = { JOB_COMPLETION_INDEX: "1" };

const PLACES: [string, Environment, PlacementFlags, StagePlacement][] = [
  ["flags", {}, { rank: 1, stages: 2 }, { rank: 1, stages: 2, source: "--rank and --stages" }],
  ["srun", SLURM, {}, { rank: 1, stages: 4, source: "Slurm" }],
  ["mpirun", OPEN_MPI, {}, { rank: 2, stages: 3, source: "Open MPI" }],
  ["torchrun", TORCHRUN, {}, { rank: 0, stages: 2, source: "torchrun" }],
  ["an Indexed Job", KUBERNETES, { stages: 2 }, { rank: 1, stages: 2, source: "--stages and Kubernetes" }],
  ["mpirun inside a Slurm allocation", { ...SLURM, ...OPEN_MPI }, {}, { rank: 2, stages: 3, source: "Open MPI" }],
  [
    "torchrun inside srun inside a pod",
    { ...KUBERNETES, ...SLURM, ...TORCHRUN },
    {},
    { rank: 0, stages: 2, source: "torchrun" },
  ],
  ["--rank over srun", SLURM, { rank: 3 }, { rank: 3, stages: 4, source: "--rank and Slurm" }],
  ["--stages over srun", SLURM, { stages: 2 }, { rank: 1, stages: 2, source: "--stages and Slurm" }],
  ["flags over srun", SLURM, { rank: 0, stages: 2 }, { rank: 0, stages: 2, source: "--rank and --stages" }],
];

const FAULTS: [string, Environment, PlacementFlags, string][] = [
  ["nothing", {}, {}, "no rank: expected --rank, or a launcher that sets one of RANK, OMPI_COMM_WORLD_RANK"],
  ["no size", { SLURM_PROCID: "1" }, {}, "SLURM_NTASKS is not set: expected a whole number"],
  ["an Indexed Job without --stages", KUBERNETES, {}, "no number of stages: expected --stages"],
  ["--rank without --stages", {}, { rank: 0 }, "no number of stages: expected --stages"],
  ["no number", { ...SLURM, SLURM_PROCID: "one" }, {}, 'SLURM_PROCID is "one": expected a whole number'],
  ["an empty variable", { ...SLURM, SLURM_PROCID: "" }, {}, 'SLURM_PROCID is "": expected a whole number'],
  ["a negative rank", { ...SLURM, SLURM_PROCID: "-1" }, {}, 'SLURM_PROCID is "-1": expected a whole number'],
  ["a rank too high", { ...SLURM, SLURM_PROCID: "4" }, {}, "rank: expected from 0 to 3, since there are 4 stages"],
  ["a flag too high", {}, { rank: 2, stages: 2 }, "rank: expected from 0 to 1, since there are 2 stages, 2 came"],
  ["half a rank", {}, { rank: 0.5, stages: 2 }, "rank: expected from 0 to 1"],
];

describe("stagePlacement", () => {
  test.each(PLACES)("%s", (_, env, flags, expected) => expect(stagePlacement(env, flags)).toEqual(expected));
  test.each(FAULTS)("%s is refused", (_, env, flags, message) =>
    expect(() => stagePlacement(env, flags)).toThrow(message),
  );
});
