import type { ConformanceOptions } from "../options.ts";
import { runConformance } from "../run.ts";
import { type Certificate, certificate, checkEvents } from "./certificate.ts";
import type { Report } from "./report.ts";

/** What in the event stream of a run does not bear its certificate out. */
export const verifyByEvents = checkEvents;

/** What a recorded run, judged again, says otherwise than its certificate; a sentence each. */
export async function verifyByReplay(
  claim: Certificate,
  recording: string,
  given: Pick<ConformanceOptions, "baseline" | "corpus"> = {},
): Promise<string[]> {
  const said: string[] = [];
  let events: Certificate["events"] | undefined;
  let report: Report | undefined;
  await runConformance({
    replay: recording,
    today: claim.date,
    ...given,
    log: (line) => said.push(line),
    print: () => {},
    observe: (given, hash) => {
      report = given;
      events = hash;
    },
  });
  if (report === undefined || events === undefined) return said;
  const again = certificate(report, events, claim.date);
  return (Object.keys(again) as (keyof Certificate)[])
    .filter((field) => field !== "harness" && JSON.stringify(again[field]) !== JSON.stringify(claim[field]))
    .map((field) => `${field}: the certificate says ${short(claim[field])}, the replay gives ${short(again[field])}`);
}

function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
