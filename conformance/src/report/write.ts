import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { type ConformanceOptions, UsageError } from "../options.ts";
import { badge } from "./badge.ts";
import { type Certificate, certificate } from "./certificate.ts";
import { html } from "./html.ts";
import { junit } from "./junit.ts";
import { paint, paintFor } from "./paint.ts";
import { jsonReport, type Report } from "./report.ts";
import { summary } from "./summary.ts";
import { tap } from "./tap.ts";

type Targets = Pick<
  ConformanceOptions,
  "json" | "events" | "tap" | "junit" | "html" | "certificate" | "badge" | "print"
>;

/** Whether a machine reads stdout, so that people read stderr. Only one report may go there. */
export function machineReads({ json, events, tap }: Targets): boolean {
  const there = Object.entries({ json, events, tap }).filter(([, target]) => target === "-");
  if (there.length > 1) {
    throw new UsageError(`only one report can go to stdout: ${there.map(([name]) => `--${name} -`).join(", ")}`);
  }
  return there.length === 1;
}

/** Writes the reports that the options name, the readable one first: a file that cannot be written does not swallow it. */
export function writeReports(report: Report, targets: Targets, events: Certificate["events"], today: string): void {
  const stream = machineReads(targets) ? process.stderr : process.stdout;
  const readable = summary(report, targets.print === undefined ? paintFor(stream) : paint(false));
  if (targets.print !== undefined) targets.print(readable);
  else stream.write(readable);
  const { json, tap: points, junit: xml, html: page, certificate: proof, badge: sign } = targets;
  if (json !== undefined || page !== undefined) {
    const object = jsonReport(report);
    if (json !== undefined) save(json, `${JSON.stringify(object, null, 1)}\n`);
    if (page !== undefined) save(page, html([object]));
  }
  if (points !== undefined) save(points, tap(report));
  if (xml !== undefined) save(xml, junit(report));
  if (proof === undefined && sign === undefined) return;
  const claim = certificate(report, events, today);
  if (proof !== undefined) save(proof, `${JSON.stringify(claim, null, 2)}\n`);
  if (sign !== undefined) save(sign, badge(claim));
}

export function save(path: string, content: string): void {
  if (path === "-") {
    process.stdout.write(content);
    return;
  }
  usable(path, () => writeFileSync(path, content));
}

/** A file that is written line by line. */
export interface Sink {
  write(text: string): void;
  close(): void;
}

export function openSink(path: string | undefined): Sink {
  if (path === undefined) return { write: () => {}, close: () => {} };
  if (path === "-") return { write: (text) => void process.stdout.write(text), close: () => {} };
  const file = usable(path, () => openSync(path, "w"));
  return { write: (text) => void writeSync(file, text), close: () => closeSync(file) };
}

export function usable<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${(error as Error).message}`);
  }
}
