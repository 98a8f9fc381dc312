import type { WireError } from "@tensorwire/framing";
import type { Passed } from "./listener.ts";
import type { Side } from "./proxy.ts";

/** What the tap says, a line each with `--json`. */
export type Told =
  | { readonly type: "listening"; readonly at: string; readonly to: string }
  | { readonly type: "opened"; readonly connection: number; readonly dialler: string; readonly listener: string }
  | ({
      readonly type: "message";
      readonly connection: number;
      readonly from: Side;
      readonly at: number;
      readonly bytes: number;
      readonly kind: string;
    } & {
      readonly about: Passed["about"];
      readonly dropped?: true;
    })
  | {
      readonly type: "violation";
      readonly connection: number;
      readonly from: Side;
      /** After so many bytes it could be told. */
      readonly at: number;
      readonly class: string;
      readonly rules: readonly string[];
      readonly text: string;
      /** True where nothing behind it is decoded; the bytes go on. */
      readonly ends: boolean;
    }
  | {
      readonly type: "ended";
      readonly connection: number;
      readonly from: Side;
      readonly how: "end" | "reset";
      readonly bytes: number;
      readonly messages: number;
      readonly remark?: string;
    }
  | { readonly type: "unreachable"; readonly dialler: string; readonly text: string }
  | ({ readonly type: "summary" } & Counts);

export interface Counts {
  readonly connections: number;
  readonly messages: number;
  readonly violations: number;
  readonly unreachable: number;
  /** Connections that were not heard to their end, and the capture where it could not be written: there it was not looked. */
  readonly failed: number;
  /** Lines that nobody took. */
  readonly unsaid: number;
}

/** Colour, or none. */
export interface Paint {
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
}

const ARROW: Readonly<Record<Side, string>> = { dialler: "→", listener: "←" };

/** What is said, for people. */
export function lineOf(told: Told, paint: Paint): string {
  switch (told.type) {
    case "listening":
      return `listening on ${told.at}, for ${told.to}`;
    case "opened":
      return `${told.connection}    ${told.dialler} → ${told.listener}`;
    case "message": {
      const about = Object.entries(told.about).map(([name, value]) => `${name} ${value === "" ? '""' : value}`);
      const dropped = told.dropped === true ? paint.dim(", a duplicate that is dropped") : "";
      const place = `${whence(told)} ${String(told.at).padStart(8)}`;
      return `${place}  ${told.kind}, ${told.bytes} bytes${about.length === 0 ? "" : `: ${about.join(", ")}`}${dropped}`;
    }
    case "violation": {
      const rules = told.rules.length === 0 ? "no rule names it" : told.rules.map((rule) => `r[${rule}]`).join(" ");
      const end = told.ends ? "\n       decoding of this direction has ended; its bytes are forwarded on" : "";
      return `${whence(told)} ${String(told.at).padStart(8)}  ${paint.bad(told.class)} ${rules}\n       ${told.text}${end}`;
    }
    case "ended": {
      const how = told.how === "end" ? "ended" : "reset the connection";
      const remark = told.remark === undefined ? "" : `, ${told.remark}`;
      return `${whence(told)} ${String(told.bytes).padStart(8)}  ${how}${remark}: ${count(told.messages, "message")}`;
    }
    case "unreachable":
      return `${told.dialler}: ${paint.bad("dropped")}, ${told.text}`;
    case "summary": {
      const parts = [count(told.connections, "connection"), count(told.messages, "message")];
      const broken = count(told.violations, "violation");
      parts.push(told.violations === 0 ? broken : paint.bad(broken));
      if (told.unreachable > 0)
        parts.push(`${count(told.unreachable, "connection")} dropped, the peer could not be reached`);
      if (told.failed > 0)
        parts.push(paint.bad(`${count(told.failed, "failure")} of the tap itself, so not all was seen`));
      if (told.unsaid > 0) parts.push(`${count(told.unsaid, "line")} not written, since nobody took them`);
      return parts.join(", ");
    }
  }
}

const whence = ({ connection, from }: { readonly connection: number; readonly from: Side }) =>
  `${connection} ${ARROW[from]}`;
const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** An error of a decoder, as the tap tells of it. */
export interface Broken {
  readonly error: WireError;
  readonly rules: readonly string[];
}

/** Characters that wait to be taken, at most: traffic does not wait for whoever reads of it, and what is not read is not kept. */
const MOST_WAITING = 1 << 20;

/** Where lines go. */
export interface Output {
  write(text: string): unknown;
  flush(): unknown;
}

/**
 * Writes lines as fast as they are taken. Of what nobody takes, messages are left out and counted; all else is kept. Once whoever reads has gone,
 * all is left out and counted.
 */
export class Lines {
  readonly #output: Output;
  #waiting = 0;
  #flushing = false;
  #gone = false;
  unsaid = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  write(line: string, keep: boolean): void {
    if (this.#gone || (this.#waiting > MOST_WAITING && !keep)) {
      this.unsaid++;
      return;
    }
    this.#waiting += line.length;
    void this.#unless(() => this.#output.write(`${line}\n`));
    if (this.#flushing) return;
    this.#flushing = true;
    void this.flush().then(() => {
      this.#flushing = false;
      this.#waiting = 0;
    });
  }

  async flush(): Promise<void> {
    if (!this.#gone) await this.#unless(() => this.#output.flush());
  }

  /** What `head` has read enough of is a pipe without a reader: no fault of the traffic, nor of the tap. */
  async #unless(act: () => unknown): Promise<void> {
    try {
      await act();
    } catch {
      this.#gone = true;
    }
  }
}
