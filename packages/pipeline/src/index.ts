export { type LayerRange, splitLayers } from "./layers.ts";
export {
  DEFAULT_DEADLINE_MS,
  DEFAULT_IDLE_DEADLINE_MS,
  DEFAULT_JOB,
  DEFAULT_LANES,
  DEFAULT_MAX_TOKENS,
  DEFAULT_STAGES,
  DEFAULT_START_DEADLINE_MS,
  type Deadlines,
  type Finish,
  MAX_LANES,
  type PipelineEvent,
  type PipelineOptions,
  type Sequence,
  type StageOptions,
  type StageReady,
  type StageSettings,
} from "./options.ts";
export { type PipelineResult, runPipeline } from "./pipeline.ts";
export { type PlacementFlags, type StagePlacement, stagePlacement } from "./placement.ts";
export * from "./ranks.ts";
export { type RunningStage, runStage } from "./stage.ts";
export { type StageMainOptions, stageMain } from "./stage-main.ts";
export { type CallRecord, chromeTrace, overlapFraction, type Span, type StageTimes, stageTimes } from "./trace.ts";
export type { Verification } from "./verify.ts";
