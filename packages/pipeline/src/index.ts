export { Admission, type AdmissionOptions, type Admitted, DEFAULT_MAX_PENDING } from "./admission/admission.ts";
export { type GreetOptions, greet } from "./admission/greet.ts";
export type { Identity, Peer } from "./admission/identity.ts";
export { DEFAULT_HANDSHAKE_DEADLINE_MS, type HandshakeOptions } from "./admission/receive-hello.ts";
export { Roster } from "./admission/roster.ts";
export { Hop, type HopOptions } from "./hop.ts";
export { type LayerRange, splitLayers } from "./layers.ts";
export { MessageSender, type Sendable } from "./message-sender.ts";
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
export { type RunningStage, runStage } from "./stage.ts";
export { RankLostError, StageLostError } from "./stage-lost.ts";
export { type StageMainOptions, stageMain } from "./stage-main.ts";
export { serveGroupStage } from "./tp-group/group-stage.ts";
export type { GroupStageOptions, InferRequest, Outcome } from "./tp-group/group-stage-options.ts";
export { type TpCall, TpLeader, type TpLeaderOptions } from "./tp-group/leader.ts";
export type { TpMember } from "./tp-group/member.ts";
export { type TpWork, TpWorker, type TpWorkerOptions } from "./tp-group/worker.ts";
export { type CallRecord, chromeTrace, overlapFraction, type Span, type StageTimes, stageTimes } from "./trace.ts";
export type { Verification } from "./verify.ts";
