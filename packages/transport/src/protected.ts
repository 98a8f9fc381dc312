import { refusal } from "@tensorwire/framing";
import { type Address, formatAddress, isLoopback, toAddress } from "./address.ts";
import type { TlsOptions } from "./tls-files.ts";

/** What protects a connection: one of the two, or the address of this machine. */
export interface Protection {
  readonly tls?: TlsOptions;
  readonly insecure?: boolean;
}

/** What `connect` checks first, for whoever wants to know before there is a reason to connect. Throws a `transport.refused` refusal. */
export function checkDial(target: Address | string, protection: Protection): void {
  checkProtected(toAddress(target), protection, "is on another machine", "dial a loopback address");
}

/**
 * r[link.tls.non-loopback] What leaves the machine is protected, or somebody has said that it need not be. Throws a `transport.refused`
 * refusal that says what would do.
 */
export function checkProtected(address: Address, { tls, insecure }: Protection, why: string, instead: string): void {
  const text = formatAddress(address);
  if (tls !== undefined && address.kind === "unix") {
    throw refusal("transport.refused", `${text} does not leave this machine: TLS is for tcp:// addresses`);
  }
  if (tls !== undefined || insecure === true || isLoopback(address)) return;
  throw refusal(
    "transport.refused",
    `${text} ${why}, and nothing would protect what travels: give it certificates (tls; --tls-ca and so on), ${instead}, or ` +
      "allow it (insecure; --insecure)",
  );
}
