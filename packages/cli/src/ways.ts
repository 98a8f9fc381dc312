import type { Way } from "@tensorwire/conformance";
import type { Command } from "commander";
import { asUsage, UsageError } from "./output.ts";

/** The ways in that have a link, as flags: of `conformance` and `doctor`. */
export interface WayFlags {
  readonly launch?: string;
  readonly attach?: true | string;
  readonly insecure?: true;
  readonly connect?: string;
  readonly stdio?: string;
  readonly inProcess?: true;
}

export function waysIn(command: Command): Command {
  return command
    .optionsGroup("How to reach the implementation (one of):")
    .option("--launch <command>", "start it; it dials back to TENSORWIRE_ADDR with TENSORWIRE_TOKEN")
    .option(
      "--attach [address]",
      "as --launch, but you start it: in a debugger, a container, on another host; HOST:PORT to wait at, or ws://HOST:PORT for a page in a browser; default: loopback, a free port",
    )
    .option("--insecure", "allow --attach at an address that other machines reach: the link has no TLS")
    .option(
      "--connect <address>",
      "it listens: HOST:PORT, the path of a Unix socket, or a WebSocket: ws://HOST:PORT/PATH, wss://",
    )
    .option("--stdio <command>", "start it and talk over its stdin and stdout")
    .option("--in-process", "the reference, by function calls, without a socket");
}

/** Null where no flag names a way in; `others` are flags of the command that stand in the place of one. */
export async function wayOf(flags: WayFlags, others: Readonly<Record<string, unknown>> = {}): Promise<Way | null> {
  const { launch, attach, insecure, connect, stdio, inProcess } = flags;
  const ways = {
    "--launch": launch,
    "--attach": attach,
    "--connect": connect,
    "--stdio": stdio,
    "--in-process": inProcess,
    ...others,
  };
  const given = Object.values(ways).filter((flag) => flag !== undefined);
  if (given.length > 1) {
    const names = Object.keys(ways);
    throw new UsageError(`expected one of ${names.slice(0, -1).join(", ")} and ${names.at(-1)}, got several`);
  }
  if (insecure && typeof attach !== "string") throw new UsageError("--insecure is for --attach HOST:PORT");
  if (launch !== undefined) return { kind: "launch", command: launch };
  if (attach === true) return { kind: "attach" };
  if (attach !== undefined) return attachedAt(attach, insecure);
  if (connect !== undefined) return { kind: "connect", address: connect };
  if (stdio !== undefined) return { kind: "stdio", command: stdio };
  if (inProcess) return { kind: "in-process", iut: (await import("@tensorwire/iut-ts")).reference };
  return null;
}

async function attachedAt(listen: string, insecure?: true): Promise<Way> {
  const { isLoopback, parseAddress } = await import("@tensorwire/transport");
  if (/^wss:/i.test(listen))
    throw new UsageError(`--attach ${listen}: the link has no TLS where the harness listens; expected ws://HOST:PORT`);
  // ws://HOST:PORT too: what differs is what is spoken there.
  const address = asUsage(() => parseAddress(`tcp://${listen.replace(/^ws:\/\/([^/]*)\/?$/i, "$1")}`));
  if (!isLoopback(address) && !insecure) {
    throw new UsageError(
      `--attach ${listen} lets other machines in, and the link has no TLS: whoever sees it can read and alter it. Listen on loopback ` +
        "(behind ssh -R, for one), or allow it with --insecure",
    );
  }
  return { kind: "attach", listen, ...(insecure && { insecure }) };
}
