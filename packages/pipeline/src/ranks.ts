/**
 * What a rank is made of, without a model: `@tensorwire/pipeline/ranks` loads no backend, for whoever brings the work himself.
 */
export { Admission, type AdmissionOptions, type Admitted, DEFAULT_MAX_PENDING } from "./admission/admission.ts";
export { type GreetOptions, greet } from "./admission/greet.ts";
export type { Identity, Peer } from "./admission/identity.ts";
export { DEFAULT_HANDSHAKE_DEADLINE_MS, type HandshakeOptions } from "./admission/receive-hello.ts";
export { Roster } from "./admission/roster.ts";
export { Hop, type HopOptions } from "./hop.ts";
export { MessageSender, type Sendable } from "./message-sender.ts";
export type { HopIds } from "./request-order.ts";
export { RankLostError, StageLostError } from "./stage-lost.ts";
export { serveGroupStage } from "./tp-group/group-stage.ts";
export type { GroupStageOptions, InferRequest, Outcome } from "./tp-group/group-stage-options.ts";
export { TpLeader } from "./tp-group/leader.ts";
export type { TpCall, TpLeaderOptions } from "./tp-group/leader-options.ts";
export type { TpMember } from "./tp-group/member.ts";
export { type TpWork, TpWorker, type TpWorkerOptions } from "./tp-group/worker.ts";
