import { DEFAULT_CORPUS, loadCorpus } from "@tensorwire/conformance";
import { buildReference } from "./overlay.ts";
import { put } from "./trial.ts";

/** The corpus as the only test suite: exit 1 at the first check that fails. Stryker runs it behind the unit tests. */
const reference = await buildReference(null);
for (const item of loadCorpus(DEFAULT_CORPUS).cases()) {
  const result = await put(reference, item);
  if (result.kind === "pass" || result.kind === "declined") continue;
  process.stderr.write(`${item.id}: ${result.kind}\n`);
  process.exit(1);
}
