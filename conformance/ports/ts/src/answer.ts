import type { Answer, CaseRequest } from "@tensorwire/conformance/protocol";
import { handleCase } from "./handle-case.ts";
import { handleProbeCase, isProbeCase } from "./probes/probe-case.ts";

/** Answers a case of level 1 at once, one of level 3 when its clock and its connection have come to rest. */
export function answer(request: CaseRequest): Answer | Promise<Answer> {
  return isProbeCase(request) ? handleProbeCase(request) : handleCase(request);
}
