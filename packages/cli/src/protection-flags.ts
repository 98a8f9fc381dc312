import type { Protection } from "@tensorwire/transport";
import { type Command, Option } from "commander";
import { UsageError } from "./output.ts";

export interface ProtectionFlags {
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: true;
}

/** Adds what `stage` and `pipeline` have in common about other machines. */
export function protectable(command: Command): Command {
  const file = (flag: string, what: string, env: string) => new Option(`${flag} <file>`, what).env(env);
  return command
    .addOption(file("--tls-ca", "mutual TLS: authorities that vouch for the other ranks, PEM", "TENSORWIRE_TLS_CA"))
    .addOption(file("--tls-cert", "mutual TLS: the certificate of this rank, PEM", "TENSORWIRE_TLS_CERT"))
    .addOption(file("--tls-key", "mutual TLS: its private key, PEM", "TENSORWIRE_TLS_KEY"))
    .option("--insecure", "allow addresses on other machines with nothing to protect what travels");
}

/** Their part of the options of `runPipeline` and `stageMain`. */
export function protectionFrom(flags: ProtectionFlags): Protection {
  const { tlsCa: ca, tlsCert: cert, tlsKey: key, insecure } = flags;
  const given = { "--tls-ca": ca, "--tls-cert": cert, "--tls-key": key };
  const missing = Object.entries(given).flatMap(([flag, path]) => (path === undefined ? [flag] : []));
  if (missing.length > 0 && missing.length < 3) {
    throw new UsageError(`expected --tls-ca, --tls-cert and --tls-key together, ${missing.join(" and ")} did not come`);
  }
  return {
    ...(ca !== undefined && cert !== undefined && key !== undefined && { tls: { ca, cert, key } }),
    ...(insecure && { insecure }),
  };
}
