import { createHash } from "node:crypto";
import { type Model, weightsDigest } from "@tensorwire/tensor-stage";
import type { LayerRange } from "../layers.ts";
import type { Identity } from "./identity.ts";

/** What the driver and all stages of a pipeline say alike: the job, how which model is cut into stages, and its weights. */
export async function pipelineIdentity(
  job: string,
  model: Model,
  layers: readonly LayerRange[],
): Promise<Pick<Identity, "job" | "plan" | "weights_digest">> {
  const config = createHash("sha256").update(JSON.stringify(model.config)).digest("hex");
  const split = layers.map(({ from, to }) => to - from);
  const plan = `split=${split.join(",")} config=${config.slice(0, 16)}`;
  return { job, plan, weights_digest: await weightsDigest(model) };
}
