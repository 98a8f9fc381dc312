/** The adapter of the reference: the only code of the harness' folder that imports protocol packages. */

import { type CaseRequest, PROBES } from "@tensorwire/conformance/protocol";
import { answer } from "./answer.ts";
import { hello } from "./hello.ts";

export { handleCase } from "./handle-case.ts";
export { hello } from "./hello.ts";
export { serve } from "./serve.ts";

/** The reference as an in-process IUT, at levels 1 and 3: for `runInProcess`. Its sockets are reached by a link of bytes. */
export const reference = { hello: hello("", PROBES), handle: (request: CaseRequest) => answer(request) };
