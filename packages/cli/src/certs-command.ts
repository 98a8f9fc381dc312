import { existsSync, mkdirSync } from "node:fs";
import { isIP } from "node:net";
import { relative } from "node:path";
import { Command } from "commander";
import { collecting } from "./once.ts";
import { integer, out, UsageError } from "./output.ts";

interface Flags {
  readonly out: string;
  readonly host?: readonly (readonly string[])[];
  readonly days: number;
  readonly force?: true;
  readonly json?: true;
}

/** Every certificate is good for these too, so that a set can be tried on one machine. */
const LOCAL = ["localhost", "127.0.0.1", "::1"];

export function certsCommand(): Command {
  return new Command("certs")
    .description(
      "Make a test set of certificates for mutual TLS: an authority, and a certificate with its key for each host.",
    )
    .requiredOption("--out <dir>", "where the files go; made if it is not there")
    .option(
      "--host <names>",
      "a host's names and IP addresses, with commas between; the first names its files; may be given several times; default: localhost",
      collecting(hostNames),
    )
    .option("--days <n>", "how long all of it is good for", integer(1, 3650), 30)
    .option("--force", "write over files that are there")
    .option("--json", "the files as JSON")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire certs --out ./certs
  tensorwire certs --out ./certs --host node1,10.0.0.1 --host node2,10.0.0.2 --days 7
  tensorwire stage --rank 1 --stages 2 --listen tcp://0.0.0.0:7000 \\
    --tls-ca certs/ca.pem --tls-cert certs/node2.pem --tls-key certs/node2.key

Each host gets ca.pem, its own HOST.pem and HOST.key, and nothing of the others. All are good for localhost too.

It is a test set and no PKI: nothing is renewed or revoked, and the keys lie unencrypted, readable by their owner. The key of the
authority is thrown away, so that nobody can add a host later: make the set anew. Where there is a PKI, use its certificates.

Exit status: 0, 1 the files cannot be written, 64 usage: no such host name, or files that are there already.`,
    )
    .action(run);
}

function hostNames(text: string, hosts: readonly (readonly string[])[] = []): readonly (readonly string[])[] {
  const names = text.split(",");
  for (const name of names) {
    if (isIP(name) === 0 && !/^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/i.test(name)) {
      throw new UsageError(`expected names and IP addresses of a host, such as node1,10.0.0.1, got "${text}"`);
    }
  }
  return [...hosts, names];
}

async function run({ out: folder, host = [[LOCAL[0]!]], days, force, json }: Flags): Promise<void> {
  const { setPaths, TestAuthority, validFor, writeSet } = await import("@tensorwire/transport/certificates");
  const hosts = host.map((names) => {
    // A colon is no character for a file name everywhere.
    const file = names[0]!.replaceAll(":", "_");
    return { file, names: [...new Set([...names, ...LOCAL])], paths: setPaths(folder, file) };
  });
  const files = [...new Set(hosts.flatMap(({ paths }) => Object.values(paths)))];
  if (files.length < 1 + 2 * hosts.length) {
    throw new UsageError("expected a first name for each host that no other has");
  }
  const there = files.filter((file) => existsSync(file));
  if (there.length > 0 && !force) throw new UsageError(`${there.join(", ")}: there already; --force writes over them`);
  mkdirSync(folder, { recursive: true });
  const authority = await TestAuthority.create("tensorwire test authority", validFor(days));
  for (const { file, names, paths } of hosts) {
    writeSet(paths, authority, await authority.issue({ name: file, hosts: names }));
  }
  if (json) return void out.json({ days, hosts: hosts.map(({ names, paths }) => ({ names, ...paths })) });
  for (const { names, paths } of hosts) {
    out.line(`${names.join(", ")}: ${[paths.ca, paths.cert, paths.key].map((path) => relative(".", path)).join(" ")}`);
  }
  out.line(
    `for ${days} days. It is a test set and no PKI: unencrypted keys, nothing to revoke or renew, no way to add a host later`,
  );
}
