import { createHash } from "node:crypto";
import { type Model, weightsDigest } from "@tensorwire/tensor-stage";
import type { Identity } from "./identity.ts";

/**
 * What the driver and all stages of a pipeline say alike: the job, how many stages there are and for which model, and its weights.
 * Where a stage's layers begin and end is not in it: a stage that was told its layers knows only its own.
 */
export async function pipelineIdentity(
  job: string,
  model: Model,
  stages: number,
): Promise<Pick<Identity, "job" | "plan" | "weights_digest">> {
  const config = createHash("sha256").update(JSON.stringify(model.config)).digest("hex");
  const plan = `stages=${stages} layers=${model.config.n_layer} config=${config.slice(0, 16)}`;
  return { job, plan, weights_digest: await weightsDigest(model) };
}
