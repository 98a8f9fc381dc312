import type { Mutant } from "../mutant.ts";
import { byTests } from "./by-tests.ts";

const TP = "spec/proto/tp_control.proto";
const PP = "spec/proto/pp_contract.proto";
const TENSOR = "spec/proto/tensor.proto";

const proto = (mutant: Omit<Mutant, "at" | "by">) => byTests("scripts/proto-breaking.test.ts", mutant);

/** The next version as its authors must not make it: changes of the protos, put to the comparison with the last release. */
export const EVOLUTION: readonly Mutant[] = [
  proto({
    id: "evolution/tp-wider-type",
    rules: ["tp.evolution.version-bump"],
    file: TP,
    find: "uint32 height = 1;",
    replace: "uint64 height = 1;",
    why: "A field gets a wider type under the same version: an old receiver drops the upper half.",
  }),
  proto({
    id: "evolution/tp-many-plans",
    rules: ["tp.evolution.version-bump"],
    file: TP,
    find: "string tp_plan = 4;",
    replace: "repeated string tp_plan = 4;",
    why: "One plan becomes several under the same version: an old receiver takes the last one.",
  }),
  proto({
    id: "evolution/tp-number-again",
    rules: ["tp.evolution.reserved", "tp.evolution.version-bump"],
    file: TP,
    find: "int64 base_seed = 13;",
    replace: "int64 prompt_id = 13;",
    why: "A released number is used for another field: an old receiver reads one thing as the other.",
  }),
  proto({
    id: "evolution/tp-number-let-go",
    rules: ["tp.evolution.reserved"],
    file: TP,
    find: "string tp_plan = 4;",
    replace: "",
    why: "A field goes and its number is not reserved: the next one may take it.",
  }),
  proto({
    id: "evolution/pp-optional-lost",
    rules: ["pp.evolution.version-bump"],
    file: PP,
    find: "optional bool ok = 6;",
    replace: "bool ok = 6;",
    why: "A result that leaves ok out means a failure, and an old driver reads a success.",
  }),
  proto({
    id: "evolution/pp-new-action",
    rules: ["pp.evolution.version-bump"],
    file: PP,
    find: "SHUTDOWN = 2;",
    replace: "SHUTDOWN = 2;\n  ERROR = 3;",
    why: "An action is added under the same version: an old stage refuses it and the connection.",
  }),
  proto({
    id: "evolution/pp-new-step",
    rules: ["pp.evolution.version-bump"],
    file: PP,
    find: "LmStep lm = 8;",
    replace: "LmStep lm = 8;\n    string program = 9;",
    why: "A kind of step is added under the same version: an old stage sees a call without a step.",
  }),
  proto({
    id: "evolution/pp-number-again",
    rules: ["pp.evolution.reserved", "pp.evolution.version-bump"],
    file: PP,
    find: "double noise_scale = 12;",
    replace: "double guidance = 12;",
    why: "A released number is used for another field of the same type.",
  }),
  proto({
    id: "evolution/pp-action-renumbered",
    rules: ["pp.evolution.reserved"],
    file: PP,
    find: "SHUTDOWN = 2;",
    replace: "DRAIN = 2;\n  SHUTDOWN = 3;",
    why: "The number of an action is used for another one.",
  }),
  proto({
    id: "evolution/spec-number-again",
    rules: ["tp.evolution.reserved", "pp.evolution.reserved"],
    file: TENSOR,
    find: "string dtype = 3;",
    replace: "string layout = 3;",
    why: "A released number of a tensor spec is used for another field.",
  }),
];
