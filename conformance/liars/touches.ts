import type { CaseRequest } from "../src/protocol.ts";
import type { Liar } from "./gallery.ts";
import { probed } from "./honest-probes.ts";

const PROMISED = 400 * 2 ** 20;

/** Reports little, and has touched much: only the system knows. It needs a process, so it is no liar of `probed`. */
export const TOUCHES: Liar = {
  name: "touches-what-was-promised",
  rules: ["iut.probe.memory.resident"],
  hello: { ...probed().hello, capabilities: ["memory"] },
  answer: (request: CaseRequest) => {
    // Lost again before the answer: a look at the process afterwards would come too late.
    if (request.id?.includes("#memory=")) new Uint8Array(PROMISED).fill(1);
    return probed().handle(request);
  },
  exit: 1,
  verdict: "fail",
  says: /the process grew by \d{3} MiB, by the system's account/,
};
